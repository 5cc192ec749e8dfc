import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/record/index.ts'
import type { PlannedShell, WavePlan } from '../../../../functions/shared/contract.ts'
import { readTimings } from '../../../../functions/shared/timings.ts'
import { batchDerivation, became, jobOf, outcomeOf } from '../batches.ts'
import { Buckets } from '../buckets.ts'
import { drv, out } from '../graphs.ts'
import { captureLog, context } from '../lambda.ts'

const RUN = 'push-acme-shells-2'
const COMMIT = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'
const TARGET = { repository: 'acme/shells', ref: 'refs/heads/main', commit: COMMIT }
const WARMED = `warmed/acme/shells/${COMMIT}.json`
const ROOT = 'roots/acme/shells/refs%2Fheads%2Fmain/x86_64-linux%20devShells.default.json'

let buckets: Buckets
let handler: typeof Handler
beforeEach(async () => {
  vi.stubEnv('STATE_BUCKET', 'state')
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
  const batch = `${number}-x86_64-linux-1-1`
  buckets.put(
    `state/runs/${run}/batches/${batch}.json`,
    jobOf(
      run,
      batch,
      Object.keys(seconds).map((name) => batchDerivation(name)),
    ),
  )
  const derivations = Object.entries(seconds).map(([name, took]) => ({
    ...became(drv(name), 'published'),
    seconds: took,
  }))
  buckets.put(`state/runs/${run}/outcomes/${batch}.json`, outcomeOf(run, batch, derivations))
}
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
  test('leaves what its commit was warmed with, last of all', async () => {
    await record({ verdict: 'done' })
    expect(buckets.json(`state/${WARMED}`)).toEqual({ version: 1, run: RUN, wave: 2, config: 'abc' })
    expect(buckets.written.at(-1)).toBe(`state/${WARMED}`)
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
