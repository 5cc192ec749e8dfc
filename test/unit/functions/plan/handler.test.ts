import { zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/plan/index.ts'
import type { BatchOutcome, Graph } from '../../../../functions/shared/contract.ts'
import { formatNarInfo } from '../../../../nix/narinfo.ts'
import { hashPartOf, type StorePath } from '../../../../nix/store-path.ts'
import { Buckets } from '../buckets.ts'
import { drv, graphOf, out } from '../graphs.ts'
import { captureLog, context } from '../lambda.ts'

const RUN = 'push-acme-shells-1'
const BUILD = 'hearth-evaluator:1f6ab8c2'
const TARGET = {
  repository: 'acme/shells',
  ref: 'refs/heads/main',
  commit: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
}
const KEY = 'cache-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY='

let buckets: Buckets
let handler: typeof Handler

beforeEach(async () => {
  for (const name of ['STATE', 'STAGING', 'CACHE']) vi.stubEnv(`${name}_BUCKET`, name.toLowerCase())
  vi.stubEnv('EVALUATOR_ROLE_ID', 'AROAEVALUATOR')
  captureLog()
  buckets = new Buckets()
  ;({ handler } = await import('../../../../functions/plan/index.ts'))
  buckets.put(`state/runs/${RUN}/job.json`, { kind: 'evaluate', run: RUN, target: TARGET, config: 'abc' })
  buckets.put('state/config/abc.json', {
    version: 1,
    sha256: 'abc',
    config: { upstreams: [], cache: { publicKeys: [KEY] }, limits: { nar: { gigabytes: 20 } } },
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const GRAPH = graphOf({ shell: { needs: ['app'] }, app: { needs: ['lib'] }, lib: {} })

/** What the first wave has taken over and proved. */
function takenOver(graph: Graph | null = GRAPH): void {
  const shells = [
    { attribute: 'devShells.default', system: 'x86_64-linux', drvPath: drv('shell') },
    { attribute: 'devShells.broken', system: 'x86_64-linux', error: 'attribute gone' },
  ]
  buckets.put(`state/runs/${RUN}/plans/evaluation.json`, {
    version: 1,
    round: { number: 1, build: BUILD, neededBefore: {} },
    run: RUN,
    target: TARGET,
    nixVersion: '2.8.0',
    shells: graph === null ? shells.slice(1) : shells,
    ...(graph === null ? {} : { archive: { sha256: 'the-archive-hash', bytes: 7 } }),
  })
  if (graph === null) return
  buckets.put(`state/runs/${RUN}/graph.json.zst`, zstdCompressSync(JSON.stringify(graph)))
  buckets.put(`state/runs/${RUN}/archive.zst`, 'the archive')
}

function publish(path: StorePath): void {
  const narinfo = formatNarInfo({
    storePath: path,
    url: 'nar/x.nar.zst',
    compression: 'zstd',
    narHash: `sha256:${'0'.repeat(52)}`,
    narSize: 96,
    references: [],
    signatures: [],
  })
  buckets.put(`cache/${hashPartOf(path)}.narinfo`, narinfo)
}

const plan = (wave: number) => handler({ run: RUN, evaluation: BUILD, wave }, context)

describe('a wave', () => {
  test('builders trust the keys of hearth.yml, and those of ours that sign', async () => {
    takenOver()
    const keys = ['a-1', 'a-2'].map((name) => ({ name, publicKey: `${name}:x`, created: '2026-01-01' }))
    const record = {
      version: 1,
      keys: keys.map((key, at) => (at === 0 ? { ...key, retired: '2026-02-01' } : key)),
    }
    buckets.put('state/signing-keys.json', record)
    await plan(1)
    expect(buckets.json(`state/runs/${RUN}/batches/1-x86_64-linux.json`)).toMatchObject({
      publicKeys: [KEY, 'a-2:x'],
    })
  })

  test('leaves the batch for its builder, and the plan for everybody else', async () => {
    takenOver()
    const job = `runs/${RUN}/batches/1-x86_64-linux.json`
    expect(await plan(1)).toEqual({
      verdict: 'build',
      wave: 1,
      batches: [{ wave: 1, system: 'x86_64-linux', job }],
    })
    expect(buckets.json(`state/${job}`)).toEqual({
      kind: 'build',
      run: RUN,
      wave: 1,
      system: 'x86_64-linux',
      archive: { key: `runs/${RUN}/archive.zst`, sha256: 'the-archive-hash' },
      derivations: [
        { drvPath: drv('lib'), outputs: { out: out('lib') }, inputs: [], needs: [] },
        { drvPath: drv('app'), outputs: { out: out('app') }, inputs: [], needs: [drv('lib')] },
      ],
      upstreams: [],
      publicKeys: [KEY],
      maxNarSize: 20e9,
    })
    expect(buckets.json(`state/runs/${RUN}/plans/1.json`)).toEqual({
      version: 1,
      run: RUN,
      wave: 1,
      verdict: 'build',
      target: TARGET,
      config: 'abc',
      shells: [
        { attribute: 'devShells.default', system: 'x86_64-linux', paths: [out('app')], status: 'cold' },
        {
          attribute: 'devShells.broken',
          system: 'x86_64-linux',
          paths: [],
          status: 'failed',
          reason: 'attribute gone',
        },
      ],
      batches: [{ system: 'x86_64-linux', job, derivations: 2 }],
      derivations: { graph: 3, missing: 2 },
    })
  })

  test('without anything missing is done', async () => {
    takenOver()
    publish(out('app'))
    expect(await plan(1)).toEqual({ verdict: 'done', wave: 1, batches: [] })
  })

  test('without a shell that evaluates is done, without a graph', async () => {
    takenOver(null)
    expect(await plan(1)).toEqual({ verdict: 'done', wave: 1, batches: [] })
    expect(buckets.json(`state/runs/${RUN}/plans/1.json`)).toMatchObject({
      derivations: { graph: 0, missing: 0 },
    })
  })
})

describe('the next wave looks at what became of the last', () => {
  const outcome = (...derivations: BatchOutcome['derivations']): BatchOutcome => ({
    version: 1,
    run: RUN,
    wave: 1,
    system: 'x86_64-linux',
    buildId: 'builder:1',
    derivations,
  })

  test('what arrived is not built again', async () => {
    takenOver()
    await plan(1)
    publish(out('lib'))
    await plan(2)
    expect(buckets.json(`state/runs/${RUN}/batches/2-x86_64-linux.json`)).toMatchObject({
      derivations: [{ drvPath: drv('app'), inputs: [out('lib')], needs: [] }],
    })
  })

  test('what failed is not built again, nor what needs it', async () => {
    takenOver()
    await plan(1)
    buckets.put(
      `state/runs/${RUN}/outcomes/1-x86_64-linux.json`,
      outcome({
        drvPath: drv('lib'),
        outcome: 'failed',
        error: { name: 'BuildFailed', message: 'exit code 3', retryable: false },
      }),
    )
    expect(await plan(2)).toEqual({ verdict: 'stuck', wave: 2, batches: [] })
    expect(buckets.json(`state/runs/${RUN}/plans/2.json`)).toMatchObject({
      shells: [{ status: 'failed', reason: `${drv('lib')}: exit code 3`, blame: [drv('lib')] }, {}],
    })
  })

  test('a batch without an outcome is tried once more, and then given up', async () => {
    takenOver()
    await plan(1)
    expect(await plan(2)).toMatchObject({ verdict: 'build' })
    expect(await plan(3)).toMatchObject({ verdict: 'stuck' })
  })

  test('a wave that is planned again, because Plan died, looks at nothing of its own', async () => {
    takenOver()
    await plan(1)
    const second = await plan(2)
    expect(second.verdict).toBe('build')
    expect(await plan(2)).toEqual(second)
  })
})

describe('what ends a run, and is named', () => {
  test.each([
    ['an evaluator that left nothing', () => undefined, 'EvaluationLost'],
    [
      'a graph that lacks a derivation',
      () => {
        takenOver(graphOf({ shell: { needs: ['gone'] } }))
      },
      'IncompleteGraph',
    ],
    [
      'a configuration that is gone',
      () => {
        takenOver()
        buckets.objects.delete('state/config/abc.json')
      },
      'ObjectNotFound',
    ],
  ])('%s', async (_, arrange, name) => {
    arrange()
    await expect(plan(1)).rejects.toMatchObject({ name })
    expect(buckets.keys('state')).not.toContain(`runs/${RUN}/plans/1.json`)
  })
})
