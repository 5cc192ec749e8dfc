import { describe, expect, test } from 'vitest'
import { failuresOf } from '../../../../functions/plan/attempts.ts'
import type { DerivationOutcome } from '../../../../functions/shared/contract.ts'
import type { TriedBatch } from '../../../../functions/shared/run-files.ts'
import { drv, out } from '../graphs.ts'

type Told = DerivationOutcome['outcome'] | 'nothing'
// Whether trying again can help is a property of the error, decided where it is known: see refusals.ts and publish-batch.ts.
const RETRYABLE: Record<DerivationOutcome['outcome'], boolean | undefined> = {
  published: undefined,
  'already-published': undefined,
  failed: false,
  refused: false,
  'dependency-failed': false,
  'not-reproducible': true,
  'input-missing': true,
  lost: true,
}

/** A batch of `lib` and of `app`, which needs it, and what was said of them. */
function batch(told: Partial<Record<'lib' | 'app', Told>>): TriedBatch {
  const names = (['lib', 'app'] as const).filter((name) => told[name] !== undefined)
  const derivations = names.flatMap((name): DerivationOutcome[] => {
    const outcome = told[name]
    if (outcome === undefined || outcome === 'nothing') return []
    const retryable = RETRYABLE[outcome]
    const error = retryable === undefined ? undefined : { name: 'Error', message: `${outcome}!`, retryable }
    return [{ drvPath: drv(name), outcome, ...(error === undefined ? {} : { error }) }]
  })
  return {
    job: {
      kind: 'build',
      batch: 'batch',
      run: 'run',
      wave: 1,
      system: 'x86_64-linux',
      archive: { key: 'archive', sha256: '' },
      derivations: names.map((name) => ({
        drvPath: drv(name),
        outputs: { out: out(name) },
        inputs: [],
        needs: name === 'app' && names.includes('lib') ? [drv('lib')] : [],
      })),
      upstreams: [],
      publicKeys: [],
      maxNarSize: 1e9,
    },
    outcome: { version: 1, run: 'run', wave: 1, system: 'x86_64-linux', buildId: 'build:1', derivations },
  }
}

describe('what has failed for good in this run', () => {
  test.each<[string, TriedBatch[], string | undefined]>([
    ['nothing, when nothing was tried', [], undefined],
    ['a build that failed', [batch({ lib: 'failed' })], 'failed!'],
    ['a result that was refused', [batch({ lib: 'refused' })], 'refused!'],
    ['not: one that is published', [batch({ lib: 'published' })], undefined],
    ['not: one that was lost once', [batch({ lib: 'lost' })], undefined],
    ['one that was lost twice', [batch({ lib: 'lost' }), batch({ lib: 'lost' })], 'lost! (tried 2 times)'],
    ['not: one that raced once', [batch({ lib: 'not-reproducible' })], undefined],
    ['not: one that lacked an input once', [batch({ lib: 'input-missing' })], undefined],
    [
      'one that was lost, then lacked an input',
      [batch({ lib: 'lost' }), batch({ lib: 'input-missing' })],
      'input-missing! (tried 2 times)',
    ],
    ['one that was lost, then failed', [batch({ lib: 'lost' }), batch({ lib: 'failed' })], 'failed!'],
    ['not: one of which nobody said anything, once', [batch({ lib: 'nothing' })], undefined],
    [
      'one of which nobody said anything, twice',
      [batch({ lib: 'nothing' }), batch({ lib: 'nothing' })],
      'neither its builder nor Publish left a result (tried 2 times)',
    ],
    [
      'one that was published twice, and is missing all the same',
      [batch({ lib: 'published' }), batch({ lib: 'already-published' })],
      'it was published, and no cache shows it (tried 2 times)',
    ],
  ])('%s', (_, batches, reason) => {
    expect(failuresOf(batches).get(drv('lib'))).toBe(reason)
  })

  test('a batch of which neither builder nor Publish left a word counts as tried', () => {
    const silent = { ...batch({ lib: 'nothing' }), outcome: undefined }
    expect(failuresOf([silent])).toEqual(new Map())
    expect([...failuresOf([silent, silent]).keys()]).toEqual([drv('lib')])
  })
})

describe('a derivation that was not tried, because another one failed', () => {
  const lost = batch({ lib: 'lost', app: 'dependency-failed' })
  test('has not failed, however often', () => {
    expect(failuresOf([lost, lost, lost, lost]).get(drv('app'))).toBeUndefined()
  })
  test('has, when what it needs did come: its builder tells stories', () => {
    const told = batch({ lib: 'published', app: 'dependency-failed' })
    expect(failuresOf([told]).get(drv('app'))).toBe('dependency-failed!')
  })
})
