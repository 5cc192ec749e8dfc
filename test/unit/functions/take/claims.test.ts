import { beforeEach, describe, expect, test } from 'vitest'
import type {
  BatchId,
  Claim,
  DerivationOutcome,
  RunId,
  ScheduledDerivation,
} from '../../../../functions/shared/contract.ts'
import { stateKeys } from '../../../../functions/shared/keys.ts'
import type { RememberedFailure } from '../../../../functions/shared/records.ts'
import { claim, type Claimant } from '../../../../functions/take/claims.ts'
import { hashPartOf, type StorePath } from '../../../../nix/store-path.ts'
import { batchDerivation, became, jobOf, outcomeOf } from '../batches.ts'
import { Buckets } from '../buckets.ts'
import { drv, out, storePath } from '../graphs.ts'

const NOW = new Date('2026-03-12T19:00:00.000Z')
const SECONDS_AGO = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000)

let buckets: Buckets
let running: Set<RunId>
beforeEach(() => {
  buckets = new Buckets()
  buckets.clock = () => NOW
  running = new Set(['mine', 'other'])
})

const scheduled = (
  name: string,
  outputs: Record<string, StorePath> = { out: out(name) },
): ScheduledDerivation => ({
  drvPath: drv(name),
  system: 'x86_64-linux',
  outputs,
  inputs: [],
  needs: [],
  needsPublished: [],
  seconds: 1,
  path: 1,
})

const claimant = (run: RunId, batch: BatchId, changes: Partial<Claimant> = {}): Claimant => ({
  run,
  batch,
  now: NOW.toISOString(),
  started: SECONDS_AGO(60).toISOString(),
  isRunning: async (of) => running.has(of),
  isOver: () => false,
  isGone: () => false,
  ...changes,
})

const BATCH = '1-x86_64-linux-1-1'
const ask = (
  run: RunId,
  batch: BatchId = BATCH,
  derivation = scheduled('app'),
  changes: Partial<Claimant> = {},
) => claim(buckets.bucket('state'), derivation, claimant(run, batch, changes))

const KEY = `state/${stateKeys.claim(hashPartOf(out('app')))}`
const holder = (): Claim => buckets.json(KEY) as Claim
const heldBy = (run: RunId, batch: BatchId, drvPath = drv('app'), claimed = SECONDS_AGO(10)): void =>
  buckets.put(
    KEY,
    { version: 1, drvPath, run, batch, claimed: claimed.toISOString() } satisfies Claim,
    claimed,
  )
const took = (run: RunId, batch: BatchId, ...names: string[]): void =>
  buckets.put(
    `state/${stateKeys.batch(run, batch)}`,
    jobOf(
      run,
      batch,
      names.map((name) => batchDerivation(name)),
    ),
  )
const said = (
  run: RunId,
  batch: BatchId,
  outcome: DerivationOutcome['outcome'],
  drvPath = drv('app'),
  at = NOW,
): void => {
  buckets.put(`state/${stateKeys.outcome(run, batch)}`, outcomeOf(run, batch, [became(drvPath, outcome)]))
  if (outcome !== 'failed') return
  const failure: RememberedFailure = {
    version: 1,
    drvPath,
    run,
    message: 'failed!',
    logTail: [],
    failed: at.toISOString(),
  }
  buckets.put(`state/${stateKeys.failure(hashPartOf(drvPath))}`, failure)
}

describe('of everybody who asks for a derivation, one gets it', () => {
  test.each([
    [
      'two runs',
      [
        ['mine', BATCH],
        ['other', BATCH],
      ],
    ],
    [
      'two lanes of a run',
      [
        ['mine', '1-x86_64-linux-1-1'],
        ['mine', '1-x86_64-linux-2-1'],
      ],
    ],
    ['ten runs', Array.from({ length: 10 }, (_, index) => [`run-${index}`, BATCH])],
  ] as [string, [RunId, BatchId][]][])('%s at the same moment', async (_, askers) => {
    for (const [run] of askers) running.add(run)
    const answers = await Promise.all(askers.map(([run, batch]) => ask(run, batch)))
    expect(answers.filter(({ verdict }) => verdict === 'mine')).toHaveLength(1)
    const busy = answers.filter((answer) => answer.verdict === 'busy')
    expect(busy).toHaveLength(askers.length - 1)
    for (const { claim: told } of busy) expect(told).toEqual(holder())
  })

  test('who asks again for the same batch, because nobody heard the answer, has it', async () => {
    expect(await ask('mine')).toEqual({ verdict: 'mine' })
    expect(await ask('mine')).toEqual({ verdict: 'mine' })
  })

  test('derivations that own the same path are one', async () => {
    const source = storePath('source.tar.gz')
    const [one, two] = ['fetch-one', 'fetch-two'].map((name) => scheduled(name, { out: source }))
    expect(await ask('mine', BATCH, one)).toEqual({ verdict: 'mine' })
    expect(await ask('other', BATCH, two)).toMatchObject({
      verdict: 'busy',
      claim: { run: 'mine', drvPath: drv('fetch-one') },
    })
  })

  test('whatever the order in which its outputs are named', async () => {
    const outputs = { out: out('multi'), dev: out('multi', 'dev') }
    expect(await ask('mine', BATCH, scheduled('multi', outputs))).toEqual({ verdict: 'mine' })
    const turned = Object.fromEntries(Object.entries(outputs).toReversed()) as typeof outputs
    expect(await ask('other', BATCH, scheduled('multi', turned))).toMatchObject({ verdict: 'busy' })
  })
})

describe('what somebody else has claimed', () => {
  type Arranged = () => void
  test.each<[string, Arranged, 'mine' | 'found' | 'failed' | 'busy']>([
    ['is built by it, while its batch has no outcome', () => took('other', BATCH, 'app'), 'busy'],
    [
      'is built by it, when Publish has not yet come to it',
      () => {
        took('other', BATCH, 'app', 'lib')
        said('other', BATCH, 'published', drv('lib'))
      },
      'busy',
    ],
    ['is found, when it was published', () => said('other', BATCH, 'published'), 'found'],
    ['is found, when it was there already', () => said('other', BATCH, 'already-published'), 'found'],
    ['is found, when another build of it stands', () => said('other', BATCH, 'not-reproducible'), 'found'],
    ['has failed, when it failed since this run began', () => said('other', BATCH, 'failed'), 'failed'],
    [
      'is free, when it failed before: who tries it again was asked to',
      () => said('other', BATCH, 'failed', drv('app'), SECONDS_AGO(61)),
      'mine',
    ],
    [
      'is free, when it was refused: another builder may do better',
      () => said('other', BATCH, 'refused'),
      'mine',
    ],
    ['is free, when it was lost', () => said('other', BATCH, 'lost'), 'mine'],
    ['is free, when its execution has ended', () => running.delete('other'), 'mine'],
    [
      'is found, when its execution has ended and it was published',
      () => {
        running.delete('other')
        said('other', BATCH, 'published')
      },
      'found',
    ],
    [
      'is free, when it was left out of the batch for which it was claimed',
      () => took('other', BATCH, 'lib'),
      'mine',
    ],
    [
      'is not free, while its batch may yet be written',
      () => heldBy('other', BATCH, drv('app'), SECONDS_AGO(119)),
      'busy',
    ],
    [
      'is free, when Take died before it wrote the batch',
      () => heldBy('other', BATCH, drv('app'), SECONDS_AGO(121)),
      'mine',
    ],
  ])('%s', async (_, arrange, verdict) => {
    heldBy('other', BATCH)
    arrange()
    expect(await ask('mine', '2-x86_64-linux-1-1')).toMatchObject({ verdict })
    expect(holder().run).toBe(verdict === 'mine' ? 'mine' : 'other')
  })

  test('under the name of another derivation of the same path is found, when that was published', async () => {
    heldBy('other', BATCH, drv('namesake'))
    said('other', BATCH, 'published', drv('namesake'))
    expect(await ask('mine')).toEqual({ verdict: 'found' })
  })
})

test('another derivation of the same path that failed says nothing of this one', async () => {
  heldBy('other', BATCH, drv('namesake'))
  said('other', BATCH, 'failed', drv('namesake'))
  expect(await ask('mine')).toEqual({ verdict: 'mine' })
})

describe('what another lane of the same run has claimed', () => {
  const OTHER = '1-x86_64-linux-2-1'
  test.each([
    ['is built by it', false, 'busy'],
    ['is free, when that lane has gone on without an outcome', true, 'mine'],
  ])('%s', async (_, isOver, verdict) => {
    heldBy('mine', OTHER)
    took('mine', OTHER, 'app')
    expect(await ask('mine', BATCH, scheduled('app'), { isOver: () => isOver })).toMatchObject({ verdict })
  })
})

test('what was found before, and no cache has, is built', async () => {
  heldBy('other', BATCH)
  said('other', BATCH, 'published')
  expect(await ask('mine', BATCH, scheduled('app'), { isGone: (drvPath) => drvPath === drv('app') })).toEqual(
    {
      verdict: 'mine',
    },
  )
})

test('a claim that is void is taken over by exactly one of several', async () => {
  heldBy('dead', BATCH)
  const runs = Array.from({ length: 8 }, (_, index) => `run-${index}`)
  for (const run of runs) {
    running.add(run)
    took(run, BATCH, 'app')
  }
  const answers = await Promise.all(runs.map((run) => ask(run)))
  expect(answers.filter(({ verdict }) => verdict === 'mine')).toHaveLength(1)
  expect(runs).toContain(holder().run)
})

test('a run that publishes and ends while somebody looks at its claim is not built after', async () => {
  heldBy('other', BATCH)
  took('other', BATCH, 'app')
  // between any two requests
  const isRunning = async (of: RunId): Promise<boolean> => {
    const answer = running.has(of)
    said('other', BATCH, 'published')
    running.delete('other')
    return answer
  }
  expect(await ask('mine', BATCH, scheduled('app'), { isRunning })).toEqual({ verdict: 'found' })
  heldBy('other', BATCH)
  buckets.objects.delete(`state/${stateKeys.outcome('other', BATCH)}`)
  running.add('other')
  buckets.before = (request) => {
    if (!request.startsWith('Get runs/other/outcomes')) return
    buckets.before = () => undefined
    said('other', BATCH, 'published')
    running.delete('other')
  }
  expect(await ask('mine', BATCH)).toEqual({ verdict: 'found' })
})
