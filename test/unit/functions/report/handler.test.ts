import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/report/index.ts'
import { Buckets } from '../buckets.ts'
import { captureLog, context } from '../lambda.ts'

const RUN = 'run-1'
const SUMMARY = `state/runs/${RUN}/summary.json`
const INPUT = { trigger: 'push', repository: 'acme/shells', ref: 'refs/heads/main', delivery: 'd-1' }

let buckets: Buckets
let handler: typeof Handler
beforeEach(async () => {
  vi.stubEnv('STATE_BUCKET', 'state')
  captureLog()
  buckets = new Buckets()
  ;({ handler } = await import('../../../../functions/report/index.ts'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const byState = (ending: object, input: unknown = INPUT) => handler({ run: RUN, input, ending }, context)
const byEvent = (status: string) =>
  handler(
    {
      'detail-type': 'Step Functions Execution Status Change',
      detail: { name: RUN, status, input: JSON.stringify(INPUT), error: null, cause: null },
    },
    context,
  )
const failure = { Error: 'EvaluationLost', Cause: '{"errorMessage":"nothing left"}' }

describe('every run ends in a summary', () => {
  test('that says what it was started with, and hands the verdict on', async () => {
    expect(await byState({ verdict: 'ignored', reason: 'not configured' })).toEqual({ verdict: 'ignored' })
    expect(buckets.json(SUMMARY)).toMatchObject({
      run: RUN,
      verdict: 'ignored',
      trigger: 'push',
      target: { repository: 'acme/shells', ref: 'refs/heads/main' },
      reason: 'not configured',
    })
  })

  test('a failure hands its error on, for the Fail state', async () => {
    expect(await byState({ verdict: 'failed', failure })).toEqual({
      verdict: 'failed',
      error: { name: 'EvaluationLost', message: 'nothing left' },
    })
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'main'],
    ['fields of the wrong type', { repository: ['acme/shells'], ref: 7, trigger: {} }],
  ])('also when the run was started with %s', async (_, input) => {
    await byState({ verdict: 'failed', failure }, input)
    expect(buckets.json(SUMMARY)).toMatchObject({ verdict: 'failed', target: {} })
  })

  test('with the target that Resolve found', async () => {
    const target = { repository: 'acme/shells', ref: 'refs/heads/main', commit: 'c'.repeat(40) }
    buckets.put(`state/runs/${RUN}/job.json`, { kind: 'evaluate', target })
    await byState({ verdict: 'failed', failure })
    expect(buckets.json(SUMMARY)).toMatchObject({ target })
  })
})

describe('asked twice, it says the same', () => {
  test('by its state', async () => {
    const first = await byState({ verdict: 'failed', failure })
    const said = buckets.text(SUMMARY)
    expect(await byState({ verdict: 'failed', failure })).toEqual(first)
    expect(buckets.text(SUMMARY)).toBe(said)
  })

  test('by EventBridge after its state: what the state said stands', async () => {
    await byState({ verdict: 'failed', failure })
    const said = buckets.text(SUMMARY)
    expect(await byEvent('FAILED')).toEqual({ verdict: 'failed' })
    expect(buckets.text(SUMMARY)).toBe(said)
  })

  test('by EventBridge alone, because the execution was aborted', async () => {
    await byEvent('ABORTED')
    expect(buckets.json(SUMMARY)).toMatchObject({
      verdict: 'failed',
      error: { name: 'ExecutionAborted', message: 'Step Functions says ABORTED' },
      target: { repository: 'acme/shells' },
    })
  })

  test('by its state after EventBridge: the state knows better', async () => {
    await byEvent('ABORTED')
    await byState({ verdict: 'done' })
    expect(buckets.json(SUMMARY)).toMatchObject({ verdict: 'done' })
  })
})

test('what neither of them asks is refused', async () => {
  await expect(handler({ run: RUN }, context)).rejects.toMatchObject({ name: 'InvalidInput' })
})
