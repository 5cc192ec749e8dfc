import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/plan/index.ts'
import type {
  DerivationOutcome,
  Graph,
  WavePlan,
  WaveSchedule,
} from '../../../../functions/shared/contract.ts'
import { formatNarInfo } from '../../../../nix/narinfo.ts'
import { hashPartOf, type StorePath } from '../../../../nix/store-path.ts'
import type { RememberedFailure } from '../../../../functions/shared/records.ts'
import { batchDerivation, became, jobOf, outcomeOf } from '../batches.ts'
import { formatGraph } from '../../../../functions/shared/graph-file.ts'
import { Buckets } from '../buckets.ts'
import { drv, graphOf, out, storePath } from '../graphs.ts'
import { captureLog, context } from '../lambda.ts'

const RUN = 'push-acme-shells-1'
const BUILD = 'hearth-evaluator:1f6ab8c2'
const TARGET = {
  repository: 'acme/shells',
  ref: 'refs/heads/main',
  commit: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
}
const STARTED = '2026-03-12T19:00:00.000Z'
const KEY = 'cache-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY='

let buckets: Buckets
let handler: typeof Handler

beforeEach(async () => {
  for (const name of ['STATE', 'STAGING', 'CACHE']) vi.stubEnv(`${name}_BUCKET`, name.toLowerCase())
  vi.stubEnv('EVALUATOR_ROLE_ID', 'AROAEVALUATOR')
  vi.stubEnv('BUILDER_BUNDLE', 'builders/x.zip')
  vi.stubEnv('NIX_VERSION', '2.34.8')
  captureLog()
  buckets = new Buckets()
  ;({ handler } = await import('../../../../functions/plan/index.ts'))
  buckets.put(`state/runs/${RUN}/job.json`, {
    kind: 'evaluate',
    run: RUN,
    target: TARGET,
    config: 'abc',
    started: STARTED,
  })
  buckets.put('state/config/abc.json', {
    version: 1,
    sha256: 'abc',
    config: {
      upstreams: [],
      builders: {
        'x86_64-linux': { machines: 3, slots: 4, features: [], waitHours: 24 },
        'aarch64-darwin': { machines: 1, slots: 2, features: [], waitHours: 24 },
      },
      cache: { publicKeys: [KEY] },
      limits: { nar: { gigabytes: 20 } },
    },
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
  buckets.put(`state/runs/${RUN}/graph.json.zst`, zstdCompressSync(formatGraph(graph)))
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

/** The schedule that a wave left. */
function scheduled(wave: number): WaveSchedule {
  const bytes = buckets.objects.get(`state/runs/${RUN}/schedules/${wave}.json.zst`)?.bytes
  if (bytes === undefined) throw new Error(`wave ${wave} left no schedule`)
  return JSON.parse(zstdDecompressSync(bytes).toString('utf8')) as WaveSchedule
}

const plan = (wave: number) => handler({ run: RUN, evaluation: { build: BUILD }, wave }, context)

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
    expect(scheduled(1).job.publicKeys).toEqual([KEY, 'a-2:x'])
  })

  test('leaves a schedule for its lanes, and the plan for everybody else', async () => {
    takenOver()
    // two derivations keep no third machine busy
    expect(await plan(1)).toEqual({
      verdict: 'build',
      wave: 1,
      lanes: [1, 2].map((slot) => ({ wave: 1, system: 'x86_64-linux', slot })),
    })
    const seconds = expect.any(Number) as number
    expect(scheduled(1)).toEqual({
      version: 1,
      run: RUN,
      wave: 1,
      target: TARGET,
      started: STARTED,
      derivations: [
        {
          drvPath: drv('lib'),
          system: 'x86_64-linux',
          outputs: { out: out('lib') },
          inputs: [],
          needs: [],
          needsPublished: [],
          seconds,
          path: seconds,
        },
        {
          drvPath: drv('app'),
          system: 'x86_64-linux',
          outputs: { out: out('app') },
          inputs: [],
          needs: [0],
          needsPublished: [],
          seconds,
          path: seconds,
        },
      ],
      machines: { 'x86_64-linux': { lanes: 2, slots: 4 } },
      job: {
        archive: { key: `runs/${RUN}/archive.zst`, sha256: 'the-archive-hash' },
        upstreams: [],
        publicKeys: [KEY],
        maxNarSize: 20e9,
      },
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
      lanes: [1, 2].map((slot) => ({ system: 'x86_64-linux', slot })),
      derivations: { graph: 3, missing: 2, scheduled: 2 },
    })
  })

  test('without anything missing is done', async () => {
    takenOver()
    publish(out('app'))
    expect(await plan(1)).toEqual({ verdict: 'done', wave: 1, lanes: [] })
  })

  test('without a shell that evaluates is done, without a graph', async () => {
    takenOver(null)
    expect(await plan(1)).toEqual({ verdict: 'done', wave: 1, lanes: [] })
    expect(buckets.json(`state/runs/${RUN}/plans/1.json`)).toMatchObject({
      derivations: { graph: 0, missing: 0, scheduled: 0 },
    })
  })
})

/** What a lane took of a wave, and what Publish said of it. */
function taken(batch: string, names: string[], said?: DerivationOutcome[]): void {
  const derivations = names.map((name) => batchDerivation(name))
  buckets.put(`state/runs/${RUN}/batches/${batch}.json`, jobOf(RUN, batch, derivations))
  if (said !== undefined) buckets.put(`state/runs/${RUN}/outcomes/${batch}.json`, outcomeOf(RUN, batch, said))
}

describe('a commit that an earlier run has evaluated', () => {
  const planAgain = () => handler({ run: RUN, evaluation: {}, wave: 1 }, context)
  const jobSays = (more: object): void => {
    const job = buckets.json(`state/runs/${RUN}/job.json`) as object
    buckets.put(`state/runs/${RUN}/job.json`, { ...job, ...more })
  }
  test('is planned from that evaluation', async () => {
    takenOver()
    expect(await planAgain()).toMatchObject({ verdict: 'build', wave: 1 })
  })
  test('is evaluated when nothing of that is left; the wave leaves a plan nevertheless', async () => {
    jobSays({ identity: 'of-nothing' })
    expect(await planAgain()).toEqual({ verdict: 'evaluate', wave: 1, lanes: [] })
    expect(buckets.json(`state/runs/${RUN}/plans/1.json`)).toMatchObject({ verdict: 'evaluate', shells: [] })
  })
  test('is unchanged when it was warmed under this configuration, and nothing was lost', async () => {
    takenOver()
    publish(out('app'))
    jobSays({ warmedBy: 'push-acme-shells-0' })
    expect(await planAgain()).toEqual({
      verdict: 'unchanged',
      reason: `${TARGET.commit} was warmed by the run push-acme-shells-0`,
      wave: 1,
      lanes: [],
    })
  })
  test('is built, though it was warm, when a cache has lost something', async () => {
    takenOver()
    jobSays({ warmedBy: 'push-acme-shells-0' })
    expect(await planAgain()).toMatchObject({ verdict: 'build' })
    expect(scheduled(1).derivations).toHaveLength(2)
    for (const name of ['lib', 'app']) publish(out(name))
    expect(await handler({ run: RUN, evaluation: {}, wave: 2 }, context)).toMatchObject({ verdict: 'done' })
  })
})

describe('the inputs of a flake', () => {
  const [one, other] = [storePath('one-source'), storePath('other-source')]
  const wanted = (flakeInputs = true): void => {
    takenOver()
    publish(out('app'))
    const key = `state/runs/${RUN}/plans/evaluation.json`
    buckets.put(key, { ...(buckets.json(key) as object), flakeInputs: [one, other] })
    const job = `state/runs/${RUN}/job.json`
    buckets.put(job, { ...(buckets.json(job) as object), ...(flakeInputs ? { flakeInputs } : {}) })
  }
  const tried = (refused: object, build = BUILD) =>
    buckets.put(`state/runs/${RUN}/inputs.json`, { version: 1, build, refused })
  const stand = (): unknown =>
    (buckets.json(`state/runs/${RUN}/plans/1.json`) as WavePlan).shells.find(
      ({ attribute }) => attribute === 'inputs',
    )
  const paths = [one, other]

  test('are published before anything else, when a cache lacks one', async () => {
    wanted()
    publish(one)
    expect(await plan(1)).toEqual({ verdict: 'inputs', wave: 1, lanes: [] })
    expect(stand()).toEqual({ attribute: 'inputs', system: 'any', paths, status: 'cold' })
  })
  test('are warm when caches have them', async () => {
    wanted()
    publish(one)
    publish(other)
    expect(await plan(1)).toMatchObject({ verdict: 'done' })
    expect(stand()).toEqual({ attribute: 'inputs', system: 'any', paths, status: 'warm' })
  })
  test('that Publish has refused are told with its reason, and the run goes on', async () => {
    wanted()
    publish(one)
    tried({ [other]: 'its NarHash differs' })
    expect(await plan(1)).toMatchObject({ verdict: 'done' })
    expect(stand()).toMatchObject({ status: 'failed', reason: 'its NarHash differs' })
  })
  test('are published once for each evaluation', async () => {
    wanted()
    tried({}, 'hearth-evaluator:before')
    expect(await plan(1)).toMatchObject({ verdict: 'inputs' })
    tried({})
    expect(await plan(1)).toMatchObject({ verdict: 'done' })
    expect(stand()).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('no cache shows it') as string,
    })
  })
  test('are nobody’s business when hearth.yml does not ask for them, whatever the evaluator says', async () => {
    wanted(false)
    expect(await plan(1)).toMatchObject({ verdict: 'done' })
    expect(stand()).toBeUndefined()
  })
})

describe('the next wave looks at what became of the last', () => {
  test('what arrived is not built again', async () => {
    takenOver()
    await plan(1)
    publish(out('lib'))
    await plan(2)
    expect(scheduled(2).derivations).toMatchObject([{ drvPath: drv('app'), inputs: [out('lib')], needs: [] }])
  })

  test('what failed is not built again, nor what needs it', async () => {
    takenOver()
    await plan(1)
    const failed = {
      ...became(drv('lib'), 'failed'),
      error: { name: 'BuildFailed', message: 'exit code 3', retryable: false },
    }
    taken('1-x86_64-linux-1-1', ['lib'], [failed])
    expect(await plan(2)).toEqual({ verdict: 'stuck', wave: 2, lanes: [] })
    expect(buckets.json(`state/runs/${RUN}/plans/2.json`)).toMatchObject({
      shells: [{ status: 'failed', reason: `${drv('lib')}: exit code 3`, blame: [drv('lib')] }, {}],
    })
  })

  test('a batch without an outcome is tried a few times more, and then given up', async () => {
    takenOver()
    await plan(1)
    for (const wave of [1, 2, 3]) {
      taken(`${wave}-x86_64-linux-1-1`, ['lib'])
      expect(await plan(wave + 1)).toMatchObject({ verdict: 'build' })
    }
    taken('4-x86_64-linux-1-1', ['lib'])
    expect(await plan(5)).toMatchObject({ verdict: 'stuck' })
  })

  test('a wave that is planned again, because Plan died, looks at nothing of its own', async () => {
    takenOver()
    await plan(1)
    const second = await plan(2)
    expect(second.verdict).toBe('build')
    expect(await plan(2)).toEqual(second)
  })
})

describe('a run that a newer commit has made pointless', () => {
  const newest = (run: string, commit: string, started: string) => {
    buckets.put('state/refs/acme/shells/refs%2Fheads%2Fmain.json', { version: 1, run, commit, started })
  }
  const LATER = '2026-03-12T19:00:01.000Z'
  const EARLIER = '2026-03-12T18:59:59.000Z'
  const OTHER = 'f'.repeat(40)

  test.each([
    ['of a later start is superseded', 'later', OTHER, LATER, 'superseded'],
    ['not: by the same commit, pushed again', 'later', TARGET.commit, LATER, 'build'],
    [
      'not: when somebody warms an older commit by hand than the newest that was pushed',
      'earlier',
      OTHER,
      EARLIER,
      'build',
    ],
    ['not: by itself', RUN, TARGET.commit, STARTED, 'build'],
  ])('%s', async (_, run, commit, started, verdict) => {
    takenOver()
    newest(run, commit, started)
    expect(await plan(1)).toMatchObject({ verdict })
  })

  test('builds nothing more', async () => {
    takenOver()
    newest('later', OTHER, LATER)
    expect(await plan(1)).toEqual({ verdict: 'superseded', wave: 1, lanes: [] })
    expect(buckets.keys('state')).not.toContain(`runs/${RUN}/schedules/1.json.zst`)
  })
})

describe('a failure of an earlier run', () => {
  const remember = (name: string, run = 'push-acme-shells-0') => {
    const record: RememberedFailure = {
      version: 1,
      drvPath: drv(name),
      run,
      message: 'exit code 3',
      logTail: [],
      failed: STARTED,
    }
    buckets.put(`state/failures/${hashPartOf(drv(name))}.json`, record)
  }

  test('is not tried again, nor what needs it, and the run says which one it was', async () => {
    takenOver()
    remember('lib')
    expect(await plan(1)).toMatchObject({ verdict: 'stuck' })
    expect(buckets.json(`state/runs/${RUN}/plans/1.json`)).toMatchObject({
      shells: [
        {
          status: 'failed',
          reason: `${drv('lib')}: it failed in the run push-acme-shells-0, and is not tried again unless asked: exit code 3`,
          blame: [drv('lib')],
        },
        {},
      ],
    })
  })
  test('is tried again when somebody asks', async () => {
    takenOver()
    remember('lib')
    buckets.put(`state/runs/${RUN}/job.json`, {
      kind: 'evaluate',
      run: RUN,
      target: TARGET,
      config: 'abc',
      retryFailed: true,
    })
    expect(await plan(1)).toMatchObject({ verdict: 'build' })
  })
  test('is no obstacle when a cache has what it would have made', async () => {
    takenOver()
    remember('lib')
    publish(out('lib'))
    expect(await plan(1)).toMatchObject({ verdict: 'build' })
    expect(scheduled(1).derivations.map(({ drvPath }) => drvPath)).toEqual([drv('app')])
  })
  test('of a derivation that this graph has not says nothing', async () => {
    takenOver()
    remember('other')
    expect(await plan(1)).toMatchObject({ verdict: 'build' })
    expect(scheduled(1).derivations).toHaveLength(2)
  })
})

describe('a system of which no machine came in time', () => {
  const MAC = graphOf({ shell: { needs: ['app', 'mac'] }, app: {}, mac: { system: 'aarch64-darwin' } })
  /** hearth.yml has a fleet; the deployment has this one. */
  const withFleet = (arn: string): void => {
    vi.stubEnv('APPLE_SILICON_FLEET_ARN', arn)
    const stored = buckets.json('state/config/abc.json') as { config: { builders: object } }
    const fleet = { machines: 1, slots: 2, features: [], fleet: true }
    Object.assign(stored.config.builders, { 'aarch64-darwin': fleet })
    buckets.put('state/config/abc.json', stored)
  }
  test('is waited for by lanes of its own', async () => {
    takenOver(MAC)
    expect(await plan(1)).toMatchObject({
      lanes: [
        { system: 'x86_64-linux', slot: 1 },
        { system: 'aarch64-darwin', slot: 1 },
      ],
    })
    expect(scheduled(1).machines).toEqual({
      'x86_64-linux': { lanes: 1, slots: 4 },
      'aarch64-darwin': { lanes: 1, slots: 2, waitHours: 24 },
    })
  })
  test('has machines to start where hearth.yml and the deployment have a fleet', async () => {
    withFleet('arn:aws:codebuild:us-east-1:123456789012:fleet/macs:1')
    takenOver(MAC)
    expect(await plan(1)).toMatchObject({ verdict: 'build' })
    expect(scheduled(1).machines['aarch64-darwin']).toEqual({ lanes: 1, slots: 2 })
  })
  test('is not waited for where hearth.yml has a fleet and the deployment has none: the shells that need it say what to do', async () => {
    withFleet('')
    takenOver(MAC)
    expect(await plan(1)).toMatchObject({ lanes: [{ system: 'x86_64-linux', slot: 1 }] })
    expect(buckets.json(`state/runs/${RUN}/plans/1.json`)).toMatchObject({
      shells: [
        {
          status: 'failed',
          blame: [drv('mac')],
          reason: expect.stringMatching(
            /fleet builds for aarch64-darwin, and this deployment has none: deploy it with AppleSiliconFleetArn/,
          ) as string,
        },
        {},
      ],
    })
  })
  test('is not waited for again, and the shells that need it say why', async () => {
    takenOver(MAC)
    buckets.put(`state/runs/${RUN}/given-up/aarch64-darwin.json`, {
      version: 1,
      system: 'aarch64-darwin',
      waitHours: 24,
    })
    expect(await plan(2)).toMatchObject({ lanes: [{ system: 'x86_64-linux', slot: 1 }] })
    expect(buckets.json(`state/runs/${RUN}/plans/2.json`)).toMatchObject({
      shells: [
        {
          status: 'failed',
          blame: [drv('mac')],
          reason: expect.stringContaining('no machine for aarch64-darwin came within 24 h') as string,
        },
        {},
      ],
    })
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
