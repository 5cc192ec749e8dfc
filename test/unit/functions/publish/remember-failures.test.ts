import { beforeEach, describe, expect, test, vi } from 'vitest'
import { rememberedFailures } from '../../../../functions/plan/known-obstacles.ts'
import { rememberFailures } from '../../../../functions/publish/remember-failures.ts'
import type { DerivationOutcome } from '../../../../functions/shared/contract.ts'
import { hashPartOf } from '../../../../nix/store-path.ts'
import { became } from '../batches.ts'
import { Buckets } from '../buckets.ts'
import { drv, graphOf } from '../graphs.ts'

let buckets: Buckets
beforeEach(() => {
  buckets = new Buckets()
})
const state = () => buckets.bucket('state')
const graph = graphOf({ app: { needs: ['lib'] }, lib: {} })
const failed = (retryable: boolean): DerivationOutcome => ({
  drvPath: drv('lib'),
  outcome: 'failed',
  error: { name: 'BuildFailed', message: 'exit code 3', retryable },
  logTail: ['make: *** [all] Error 3'],
})

describe('what Publish remembers, Plan of the next run knows', () => {
  test.each<[string, DerivationOutcome, boolean]>([
    ['a build that failed for a reason of its own', failed(false), true],
    ['not: one that failed because of its machine', failed(true), false],
    ['not: one that was lost', became(drv('lib'), 'lost'), false],
    ['not: one whose needs failed', became(drv('lib'), 'dependency-failed'), false],
    ['not: one that lacked an input', became(drv('lib'), 'input-missing'), false],
    // what is refused may be a builder that lies; the next one may not
    ['not: one that was refused', became(drv('lib'), 'refused'), false],
    ['not: one that was published', became(drv('lib'), 'published'), false],
  ])('%s', async (_, outcome, isRemembered) => {
    await rememberFailures(state(), 'run-1', [outcome])
    const known = await rememberedFailures(state(), graph, 'run-2')
    expect([...known]).toEqual(
      isRemembered
        ? [[drv('lib'), 'it failed in the run run-1, and is not tried again unless asked: exit code 3']]
        : [],
    )
  })

  test.each(['published', 'already-published'] as const)('until a build of it is %s', async (outcome) => {
    await rememberFailures(state(), 'run-1', [failed(false), { ...failed(false), drvPath: drv('app') }])
    await rememberFailures(state(), 'run-2', [became(drv('lib'), outcome)])
    expect([...(await rememberedFailures(state(), graph, 'run-3')).keys()]).toEqual([drv('app')])
  })

  test('and it costs a publication of what never failed one listing', async () => {
    const asked: string[] = []
    buckets.before = (request) => void asked.push(request)
    await rememberFailures(state(), 'run-1', [
      became(drv('app'), 'published'),
      became(drv('lib'), 'published'),
    ])
    expect(asked).toEqual(['List failures/'])
  })

  test('with the end of its log', async () => {
    vi.useFakeTimers({ now: Date.parse('2026-03-12T19:00:00.000Z') })
    await rememberFailures(state(), 'run-1', [failed(false)])
    vi.useRealTimers()
    expect(buckets.json(`state/failures/${hashPartOf(drv('lib'))}.json`)).toEqual({
      version: 1,
      drvPath: drv('lib'),
      run: 'run-1',
      message: 'exit code 3',
      logTail: ['make: *** [all] Error 3'],
      failed: '2026-03-12T19:00:00.000Z',
    })
  })

  test('what this very run has remembered is said as its own', async () => {
    await rememberFailures(state(), 'run-1', [failed(false)])
    expect([...(await rememberedFailures(state(), graph, 'run-1')).values()]).toEqual(['exit code 3'])
  })
})
