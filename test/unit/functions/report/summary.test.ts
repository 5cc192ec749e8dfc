import { describe, expect, test } from 'vitest'
import { summarise } from '../../../../functions/report/summary.ts'
import type { DerivationOutcome, PlannedShell, WavePlan } from '../../../../functions/shared/contract.ts'
import type { TriedBatch } from '../../../../functions/shared/run-files.ts'
import { batchDerivation, jobOf, outcomeOf } from '../batches.ts'
import { drv, out } from '../graphs.ts'

const TARGET = {
  repository: 'acme/shells',
  ref: 'refs/heads/main',
  commit: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
}
const INPUT = { trigger: 'push' as const, repository: 'acme/shells', ref: 'refs/heads/main' }
const WARM: PlannedShell = {
  attribute: 'devShells.a',
  system: 'x86_64-linux',
  paths: [out('a')],
  status: 'warm',
}
const FAILED: PlannedShell = {
  attribute: 'devShells.b',
  system: 'x86_64-linux',
  paths: [out('b')],
  status: 'failed',
  reason: 'exit code 3',
  blame: [drv('b')],
}

const plan = (wave: number, lanes: number, shells: PlannedShell[]): WavePlan => ({
  version: 1,
  run: 'run',
  wave,
  verdict: lanes > 0 ? 'build' : 'done',
  target: TARGET,
  config: 'abc',
  shells,
  lanes: Array.from({ length: lanes }, (_, index) => ({ system: 'x86_64-linux', slot: index + 1 })),
  derivations: { graph: 10, missing: 1, scheduled: lanes },
})

type Became = [name: string, outcome: DerivationOutcome['outcome'], bytes?: number]
const batch = (wave: number, ...what: Became[]): TriedBatch => {
  const id = `${wave}-x86_64-linux-1-1`
  return {
    job: jobOf(
      'run',
      id,
      what.map(([name]) => batchDerivation(name)),
    ),
    outcome: outcomeOf(
      'run',
      id,
      what.map(([name, outcome, bytes]) => ({
        drvPath: drv(name),
        outcome,
        ...(bytes === undefined ? {} : { bytes }),
      })),
    ),
  }
}

test('a run, for people and programs: as it was in the end, not on the way', () => {
  const plans = [plan(1, 1, [{ ...WARM, status: 'cold' }]), plan(2, 1, [WARM]), plan(3, 0, [WARM, FAILED])]
  // in the order of the waves, as readBatches gives them
  const batches = [
    batch(
      1,
      ['good', 'published', 100],
      ['lost-then-good', 'lost'],
      ['bad', 'failed'],
      ['b', 'dependency-failed'],
    ),
    batch(2, ['lost-then-good', 'published', 50]),
  ]
  expect(summarise('run', INPUT, TARGET, { verdict: 'done' }, plans, batches)).toEqual({
    version: 1,
    run: 'run',
    verdict: 'done',
    trigger: 'push',
    target: TARGET,
    shells: [
      { attribute: 'devShells.a', system: 'x86_64-linux', status: 'warm' },
      {
        attribute: 'devShells.b',
        system: 'x86_64-linux',
        status: 'failed',
        reason: 'exit code 3',
        blame: [drv('b')],
      },
    ],
    derivations: { total: 10, planned: 4, built: 2, published: 2, failed: 2, notReproducible: 0, skipped: 6 },
    outcomes: [
      { drvPath: drv('good'), system: 'x86_64-linux', outcome: 'published', bytes: 100 },
      { drvPath: drv('lost-then-good'), system: 'x86_64-linux', outcome: 'published', bytes: 50 },
      { drvPath: drv('bad'), system: 'x86_64-linux', outcome: 'failed' },
      { drvPath: drv('b'), system: 'x86_64-linux', outcome: 'dependency-failed' },
    ],
    bytesAdded: 150,
    waves: 2,
  })
})

describe('what counts as what', () => {
  test.each<[DerivationOutcome['outcome'], { built: number; published: number; failed: number }]>([
    ['published', { built: 1, published: 1, failed: 0 }],
    ['already-published', { built: 1, published: 1, failed: 0 }],
    // built, and in the cache, though with somebody else's bytes
    ['not-reproducible', { built: 1, published: 0, failed: 0 }],
    ['refused', { built: 1, published: 0, failed: 1 }],
    ['failed', { built: 0, published: 0, failed: 1 }],
    ['dependency-failed', { built: 0, published: 0, failed: 1 }],
    ['input-missing', { built: 0, published: 0, failed: 1 }],
    ['lost', { built: 0, published: 0, failed: 1 }],
  ])('%s', (outcome, expected) => {
    const { derivations } = summarise(
      'run',
      INPUT,
      TARGET,
      { verdict: 'done' },
      [plan(1, 1, [])],
      [batch(1, ['a', outcome])],
    )
    const notReproducible = outcome === 'not-reproducible' ? 1 : 0
    expect(derivations).toEqual({ total: 10, planned: 1, skipped: 9, notReproducible, ...expected })
  })

  test('a derivation of which nobody said anything has failed', () => {
    const silent = { ...batch(1, ['a', 'lost']), outcome: undefined }
    const { derivations, outcomes } = summarise(
      'run',
      INPUT,
      TARGET,
      { verdict: 'stuck' },
      [plan(1, 1, [])],
      [silent],
    )
    expect(derivations).toMatchObject({ planned: 1, built: 0, published: 0, failed: 1 })
    expect(outcomes).toEqual([])
  })
})

describe('a run that ended early says as much as is known', () => {
  const nothing = {
    version: 1,
    run: 'run',
    shells: [],
    derivations: { total: 0, planned: 0, built: 0, published: 0, failed: 0, notReproducible: 0, skipped: 0 },
    outcomes: [],
    bytesAdded: 0,
    waves: 0,
  }
  test('ignored: by its input', () => {
    expect(
      summarise('run', INPUT, undefined, { verdict: 'ignored', reason: 'not configured' }, [], []),
    ).toEqual({
      ...nothing,
      verdict: 'ignored',
      trigger: 'push',
      target: { repository: 'acme/shells', ref: 'refs/heads/main' },
      reason: 'not configured',
    })
  })
  test('failed, and started with nothing: by its error alone', () => {
    const error = { name: 'InvalidRunInput', message: 'no repository' }
    expect(summarise('run', {}, undefined, { verdict: 'failed', error }, [], [])).toEqual({
      ...nothing,
      verdict: 'failed',
      target: {},
      error,
    })
  })
})
