import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/record/index.ts'
import type {
  Evaluation,
  PlannedShell,
  RunDownloads,
  WavePlan,
} from '../../../../functions/shared/contract.ts'
import { readHits } from '../../../../functions/shared/hits.ts'
import { packGraph } from '../../../../functions/shared/graph-file.ts'
import { readTimings } from '../../../../functions/shared/timings.ts'
import { zstdCompressSync } from 'node:zlib'
import { formatNarInfo } from '../../../../nix/narinfo.ts'
import { hashPartOf } from '../../../../nix/store-path.ts'
import { batchDerivation, became, jobOf, outcomeOf } from '../batches.ts'
import { Buckets } from '../buckets.ts'
import { drv, graphOf, out } from '../graphs.ts'
import { serve } from '../http-server.ts'
import { narinfo, signedUpstream } from './signed-upstream.ts'
import { captureLog, context } from '../lambda.ts'

const RUN = 'push-acme-shells-2'
const COMMIT = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'
const TARGET = { repository: 'acme/shells', ref: 'refs/heads/main', commit: COMMIT }
const WARMED = `warmed/acme/shells/${COMMIT}.json`
const ROOT = 'roots/acme/shells/refs%2Fheads%2Fmain/x86_64-linux%20devShells.default.json'

let buckets: Buckets
let handler: typeof Handler
beforeEach(async () => {
  // schedules never change, and functions keep the last one
  vi.resetModules()
  vi.stubEnv('STATE_BUCKET', 'state')
  vi.stubEnv('CACHE_BUCKET', 'cache')
  captureLog()
  buckets = new Buckets()
  ;({ handler } = await import('../../../../functions/record/index.ts'))
  buckets.put(`state/runs/${RUN}/job.json`, { kind: 'evaluate', run: RUN, target: TARGET, config: 'abc' })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const shell = (name: string, status: PlannedShell['status']): PlannedShell => ({
  attribute: `devShells.${name}`,
  system: 'x86_64-linux',
  paths: [out(name)],
  status,
})
/** A wave's plan, and the outcome of its one batch, if it had one. */
function wave(run: string, number: number, shells: PlannedShell[], seconds?: Record<string, number>): void {
  const plan: WavePlan = {
    version: 1,
    run,
    wave: number,
    verdict: seconds === undefined ? 'done' : 'build',
    target: TARGET,
    config: 'abc',
    shells,
    lanes: seconds === undefined ? [] : [{ system: 'x86_64-linux', slot: 1 }],
    derivations: { graph: 3, missing: 0, scheduled: 0 },
  }
  buckets.put(`state/runs/${run}/plans/${number}.json`, plan)
  if (seconds === undefined) return
  const derivations = Object.keys(seconds).map((name) => ({
    drvPath: drv(name),
    system: 'x86_64-linux',
    outputs: { out: out(name) },
    needs: [],
  }))
  buckets.put(
    `state/runs/${run}/schedules/${number}.json.zst`,
    zstdCompressSync(JSON.stringify({ version: 1, run, wave: number, derivations })),
  )
  const batch = `${number}-x86_64-linux-1-1`
  buckets.put(
    `state/runs/${run}/batches/${batch}.json`,
    jobOf(
      run,
      batch,
      Object.keys(seconds).map((name) => batchDerivation(name)),
    ),
  )
  const built = Object.entries(seconds).map(([name, took]) => ({
    ...became(drv(name), 'published'),
    seconds: took,
  }))
  buckets.put(`state/runs/${run}/outcomes/${batch}.json`, outcomeOf(run, batch, built))
}
/** A path that our cache shows. */
function published(name: string, fileSize: number, ...references: string[]): void {
  const info = {
    storePath: out(name),
    url: 'nar/x.nar.zst',
    compression: 'zstd',
    fileSize,
    narHash: `sha256:${'0'.repeat(52)}`,
    narSize: 1000,
    references: references.map((reference) => out(reference)),
    signatures: [],
  }
  buckets.put(`cache/${hashPartOf(out(name))}.narinfo`, formatNarInfo(info))
}
const downloads = () => buckets.json(`state/runs/${RUN}/downloads.json`)
const record = (ending: object) => handler({ run: RUN, ending }, context)

describe('a run that is done', () => {
  beforeEach(() => {
    wave(RUN, 1, [shell('default', 'cold')], { 'hello-2.12': 7 })
    wave(RUN, 2, [shell('default', 'warm')])
  })

  test('leaves a root for every warm shell of its last plan', async () => {
    await record({ verdict: 'done', wave: 2, lanes: [] })
    expect(buckets.json(`state/${ROOT}`)).toEqual({
      version: 1,
      target: TARGET,
      attribute: 'devShells.default',
      system: 'x86_64-linux',
      paths: [out('default')],
      run: RUN,
      refreshed: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
    })
  })
  test('leaves how long its builds took', async () => {
    await record({ verdict: 'done' })
    const timings = await readTimings(buckets.bucket('state'))
    expect(timings(drv('hello-2.13'))).toEqual([{ system: 'x86_64-linux', seconds: 7 }])
  })
  test('leaves what its commit was warmed with, when its roots are there', async () => {
    await record({ verdict: 'done' })
    expect(buckets.json(`state/${WARMED}`)).toEqual({ version: 1, run: RUN, wave: 2, config: 'abc' })
    const [root, warmed] = [`state/${ROOT}`, `state/${WARMED}`].map((key) => buckets.written.indexOf(key))
    expect(root).toBeLessThan(warmed ?? -1)
  })
  test('hands its ending on', async () => {
    expect(await record({ verdict: 'done', wave: 2, lanes: [] })).toEqual({ verdict: 'done' })
  })
})

describe('a run of other attributes than hearth.yml’s', () => {
  beforeEach(() => {
    const job = { kind: 'evaluate', run: RUN, target: TARGET, config: 'abc', isPartial: true }
    buckets.put(`state/runs/${RUN}/job.json`, job)
    wave(RUN, 1, [shell('default', 'warm')])
  })
  test('leaves roots for them, and does not make the commit warm', async () => {
    await record({ verdict: 'done', wave: 1, lanes: [] })
    expect(buckets.keys('state')).toContain(ROOT)
    expect(buckets.keys('state')).not.toContain(WARMED)
  })
  test('nor cold, when it was warm', async () => {
    buckets.put(`state/${WARMED}`, { version: 1, run: 'earlier', wave: 3, config: 'abc' })
    await record({ verdict: 'done', wave: 1, lanes: [] })
    expect(buckets.json(`state/${WARMED}`)).toMatchObject({ run: 'earlier' })
  })
})

test('a run that is stuck leaves roots for what is warm, and its commit does not count as warm', async () => {
  wave(RUN, 1, [shell('default', 'warm'), shell('broken', 'failed')], { 'hello-2.12': 7 })
  await record({ verdict: 'stuck' })
  expect(buckets.keys('state').filter((key) => /^(roots|warmed)/.test(key))).toEqual([ROOT])
})

describe('a commit that was unchanged', () => {
  const ending = { verdict: 'unchanged', reason: 'warmed before' }

  test('gets fresh roots for this very ref, from the plan of the run that warmed it', async () => {
    wave('push-acme-shells-1', 1, [shell('default', 'cold')], { 'hello-2.12': 7 })
    wave('push-acme-shells-1', 2, [shell('default', 'warm')])
    buckets.put(`state/${WARMED}`, { version: 1, run: 'push-acme-shells-1', wave: 2, config: 'abc' })
    expect(await record(ending)).toEqual(ending)
    expect(buckets.json(`state/${ROOT}`)).toMatchObject({ run: RUN, paths: [out('default')] })
    // nothing was built now: nothing is timed again
    expect(buckets.keys('state').filter((key) => key.startsWith('timings'))).toEqual([])
    expect(buckets.json(`state/${WARMED}`)).toMatchObject({ run: 'push-acme-shells-1' })
  })

  test('that nobody warmed is an error', async () => {
    await expect(record(ending)).rejects.toMatchObject({ name: 'ObjectNotFound' })
  })
})

describe('what a new laptop downloads', () => {
  beforeEach(() => {
    wave(RUN, 1, [shell('default', 'cold')], { default: 7 })
    wave(RUN, 2, [shell('default', 'warm'), { ...shell('broken', 'failed'), paths: [] }])
    buckets.clock = () => new Date('2026-03-12T10:00:00Z')
    published('default', 30, 'lib')
    published('lib', 500)
  })
  const SHELL = {
    attribute: 'devShells.default',
    system: 'x86_64-linux',
    sources: [{ source: 'cache', paths: 2, bytes: 530 }],
    unknown: 0,
    missing: 0,
    builtPaths: 1,
    built: 1,
    buildSeconds: 7,
  }

  test('is said of every shell that evaluates, with what the run built of it', async () => {
    await record({ verdict: 'done' })
    expect(downloads()).toEqual({ version: 1, run: RUN, shells: [SHELL] })
  })

  test('is added to the hits of the day that the run began on, once', async () => {
    buckets.put(`state/runs/${RUN}/job.json`, {
      target: TARGET,
      config: 'abc',
      started: '2026-03-12T23:59:59Z',
    })
    await record({ verdict: 'done' })
    await record({ verdict: 'done' })
    expect(await readHits(buckets.bucket('state'), 'hits/acme/shells/2026-03-12.json.zst')).toEqual({
      version: 1,
      runs: [RUN],
      shells: [
        {
          attribute: 'devShells.default',
          system: 'x86_64-linux',
          runs: 1,
          cache: 1,
          upstreams: {},
          built: 1,
          missing: 0,
          unknown: 0,
          derivations: 1,
          buildSeconds: 7,
        },
      ],
    })
  })

  test('is said of a commit that was warmed before, too, and is no hit', async () => {
    await record({ verdict: 'unchanged', reason: 'warmed before' })
    expect(downloads()).toMatchObject({ shells: [SHELL] })
    expect(buckets.keys('state').filter((key) => key.startsWith('hits/'))).toEqual([])
  })

  test('an upstream that is down leaves unknowns, a word in the log, a metric, and the run as it is', async () => {
    const log = captureLog()
    const url = await serve((_, response) => {
      response.writeHead(500).end()
    })
    buckets.put(`state/runs/${RUN}/job.json`, {
      target: TARGET,
      config: 'abc',
      upstreams: [{ url, publicKeys: [] }],
    })
    wave(RUN, 2, [{ ...shell('default', 'warm'), paths: [out('default'), out('other')] }])
    expect(await record({ verdict: 'done' })).toEqual({ verdict: 'done' })
    // what the run built is asked of our cache alone; what that refers to is not
    expect(downloads()).toMatchObject({
      shells: [{ sources: [{ source: 'cache', paths: 1, bytes: 30 }], unknown: 2 }],
    })
    expect(log.text()).toContain(`${url} does not say`)
    expect(log.text()).toContain('"DownloadsUnknown":2')
    expect(buckets.json(`state/${WARMED}`)).toMatchObject({ run: RUN })
  })

  describe('of a shell for macOS', () => {
    const needs = (system: string, name: string, status: PlannedShell['status']): PlannedShell => ({
      attribute: `devShells.${system}.default`,
      system,
      paths: [out(name)],
      status,
    })
    beforeEach(async () => {
      const { url, publicKeys } = await signedUpstream({ 'ffmpeg-7.1': narinfo('ffmpeg-7.1') })
      buckets.put(`state/runs/${RUN}/job.json`, {
        target: TARGET,
        config: 'abc',
        upstreams: [{ url, publicKeys }],
      })
      const evaluation: Partial<Evaluation> = {
        pins: [{ input: 'nixpkgs', repository: 'NixOS/nixpkgs', ref: 'nixos-24.05' }],
      }
      buckets.put(`state/runs/${RUN}/plans/evaluation.json`, evaluation)
      const graph = graphOf({ mac: { system: 'x86_64-darwin' }, 'ffmpeg-7.1': {} })
      // the same package, and another path
      for (const derivation of Object.values(graph.derivations)) derivation.name = 'ffmpeg-7.1'
      buckets.put(`state/runs/${RUN}/graph.json.zst`, await packGraph(graph))
    })

    test.each(['warm', 'failed'] as const)(
      'that is %s, a hint says what an upstream has for Linux alone',
      async (status) => {
        wave(RUN, 2, [needs('x86_64-darwin', 'mac', status), needs('x86_64-linux', 'ffmpeg-7.1', 'warm')])
        if (status === 'warm') published('mac', 1)
        await record({ verdict: 'stuck' })
        const { shells } = downloads() as RunDownloads
        expect(shells.map(({ hint }) => hint)).toEqual([
          expect.stringMatching(
            /^1 package of this shell had to be built for x86_64-darwin, and 127\.0\.0\.1:\d+ has the same for Linux \(ffmpeg-7\.1\)\. The input nixpkgs follows nixos-24\.05,/,
          ),
          undefined,
        ])
        expect(shells[0]?.missing).toBe(status === 'warm' ? 0 : 1)
      },
    )
    test('without its graph there is no hint', async () => {
      buckets.objects.delete(`state/runs/${RUN}/graph.json.zst`)
      wave(RUN, 2, [needs('x86_64-darwin', 'mac', 'failed')])
      await record({ verdict: 'stuck' })
      expect((downloads() as RunDownloads).shells).toMatchObject([{ missing: 1 }])
    })
  })
})
