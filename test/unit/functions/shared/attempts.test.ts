import { describe, expect, test } from 'vitest'
import { failuresOf } from '../../../../functions/shared/attempts.ts'
import type { DerivationOutcome } from '../../../../functions/shared/contract.ts'
import type { TriedBatch } from '../../../../functions/shared/run-files.ts'
import { batchDerivation, became, jobOf, outcomeOf } from '../batches.ts'
import { drv } from '../graphs.ts'

type Told = DerivationOutcome['outcome'] | 'nothing'

/** A batch of `lib` and of `app`, which needs it, and what was said of them. */
function batch(told: Partial<Record<'lib' | 'app', Told>>): TriedBatch {
  const names = (['lib', 'app'] as const).filter((name) => told[name] !== undefined)
  const derivations = names.flatMap((name): DerivationOutcome[] => {
    const outcome = told[name]
    return outcome === undefined || outcome === 'nothing' ? [] : [became(drv(name), outcome)]
  })
  const needs = { lib: [], app: names.filter((name) => name === 'lib') }
  const id = '1-x86_64-linux-1-1'
  return {
    job: jobOf(
      'run',
      id,
      names.map((name) => batchDerivation(name, needs[name])),
    ),
    outcome: outcomeOf('run', id, derivations),
  }
}

const times = (count: number, told: Parameters<typeof batch>[0]): TriedBatch[] =>
  Array.from({ length: count }, () => batch(told))

describe('what has failed for good in this run', () => {
  test.each<[string, TriedBatch[], string | undefined]>([
    ['nothing, when nothing was tried', [], undefined],
    ['a build that failed', [batch({ lib: 'failed' })], 'failed!'],
    ['a result that was refused', [batch({ lib: 'refused' })], 'refused!'],
    ['not: one that is published', [batch({ lib: 'published' })], undefined],
    ['not: one that was lost three times', times(3, { lib: 'lost' }), undefined],
    ['one that was lost four times', times(4, { lib: 'lost' }), 'lost! (tried 4 times)'],
    ['not: one that raced once', [batch({ lib: 'not-reproducible' })], undefined],
    ['not: one that lacked an input once', [batch({ lib: 'input-missing' })], undefined],
    [
      'not: one that was lost, then lacked an input',
      [batch({ lib: 'lost' }), batch({ lib: 'input-missing' })],
      undefined,
    ],
    [
      'one that raced, then lacked an input',
      [batch({ lib: 'not-reproducible' }), batch({ lib: 'input-missing' })],
      'input-missing! (tried 2 times)',
    ],
    ['one that was lost, then failed', [batch({ lib: 'lost' }), batch({ lib: 'failed' })], 'failed!'],
    [
      'one of which nobody said anything, as one that was lost',
      times(4, { lib: 'nothing' }),
      'neither its builder nor Publish left a result (tried 4 times)',
    ],
    [
      'one that was published twice, and is missing all the same',
      [batch({ lib: 'published' }), batch({ lib: 'already-published' })],
      'it was published, and no cache shows it (tried 2 times)',
    ],
  ])('%s', (_, batches, reason) => {
    expect(failuresOf(batches).get(drv('lib'))).toBe(reason)
  })

  describe('a machine that could not be started', () => {
    const unstarted = (): TriedBatch => {
      const tried = batch({ lib: 'lost' })
      const derivations = [
        {
          ...became(drv('lib'), 'lost'),
          error: { name: 'BuilderNotStarted', message: 'no quota', retryable: true },
        },
      ]
      return { ...tried, outcome: { ...outcomeOf('run', '1-x86_64-linux-1-1', derivations), machine: null } }
    }
    const unstartedTimes = (count: number): TriedBatch[] => Array.from({ length: count }, unstarted)
    test.each<[string, TriedBatch[], string | undefined]>([
      ['is no attempt of the derivation', unstartedTimes(5), undefined],
      ['is one at last: it is said', unstartedTimes(6), 'no quota (tried 6 times)'],
      [
        'nor is it one beside a builder that was lost',
        [...unstartedTimes(2), batch({ lib: 'lost' })],
        undefined,
      ],
      [
        'and one that was lost four times has failed, whatever was not started meanwhile',
        [batch({ lib: 'lost' }), ...unstartedTimes(3), ...times(3, { lib: 'lost' })],
        'lost! (tried 4 times)',
      ],
    ])('%s', (_, batches, reason) => {
      expect(failuresOf(batches).get(drv('lib'))).toBe(reason)
    })
  })

  test('a batch of which neither builder nor Publish left a word counts as tried', () => {
    const silent = { ...batch({ lib: 'nothing' }), outcome: undefined }
    expect(failuresOf([silent])).toEqual(new Map())
    expect([...failuresOf([silent, silent, silent, silent]).keys()]).toEqual([drv('lib')])
  })
})

describe('a derivation that was not tried, because another one failed', () => {
  const lost = batch({ lib: 'lost', app: 'dependency-failed' })
  test('has not failed, however often', () => {
    expect(failuresOf([lost, lost, lost, lost]).get(drv('app'))).toBeUndefined()
  })
  test('has not, when what it needs came later', () => {
    expect(failuresOf([lost, batch({ lib: 'published' })])).toEqual(new Map())
  })
  test('has, when what it needs did come: its builder tells stories', () => {
    const told = batch({ lib: 'published', app: 'dependency-failed' })
    expect(failuresOf([told]).get(drv('app'))).toBe('dependency-failed!')
  })
})
