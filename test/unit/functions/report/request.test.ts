import * as z from 'zod/mini'
import { describe, expect, test } from 'vitest'
import { type EndingRequest, readRequest, ReportRequest } from '../../../../functions/report/request.ts'

const INPUT = { trigger: 'push', repository: 'acme/shells', ref: 'refs/heads/main' }
const read = (request: unknown) => readRequest(z.parse(ReportRequest, request) as EndingRequest)

describe('Report is asked by its state', () => {
  const cases: [object, object][] = [
    [{ verdict: 'done', wave: 2, batches: [] }, { verdict: 'done' }],
    [{ verdict: 'stuck' }, { verdict: 'stuck' }],
    [{ verdict: 'superseded', wave: 1, lanes: [] }, { verdict: 'superseded' }],
    [
      { verdict: 'unchanged', reason: 'warmed before' },
      { verdict: 'unchanged', reason: 'warmed before' },
    ],
    [
      { verdict: 'ignored', reason: 'not configured' },
      { verdict: 'ignored', reason: 'not configured' },
    ],
    [
      { verdict: 'failed', failure: { Error: 'EvaluationLost', Cause: '{"errorMessage":"nothing left"}' } },
      { verdict: 'failed', error: { name: 'EvaluationLost', message: 'nothing left' } },
    ],
  ]
  test.each(cases)('%j', (ending, expected) => {
    expect(read({ run: 'run-1', input: INPUT, ending })).toEqual({
      run: 'run-1',
      input: INPUT,
      ending: expected,
      isFirstHand: true,
    })
  })
})

describe('Report is asked by EventBridge', () => {
  const event = (detail: object) => ({
    version: '0',
    id: '315c1398-40ff-a850-213b-158f73e60175',
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    account: '123456789012',
    time: '2026-03-12T19:42:21Z',
    region: 'eu-central-1',
    resources: ['arn:x'],
    detail: {
      executionArn: 'arn:aws:states:eu-central-1:123456789012:execution:warm:run-1',
      name: 'run-1',
      input: JSON.stringify(INPUT),
      output: null,
      ...detail,
    },
  })
  const cases: [string, object, object][] = [
    [
      'of a time-out',
      { status: 'TIMED_OUT' },
      { name: 'ExecutionTimedOut', message: 'Step Functions says TIMED_OUT' },
    ],
    [
      'of an abort, with the words of who did it',
      { status: 'ABORTED', error: 'Superseded', cause: 'a newer commit' },
      { name: 'Superseded', message: 'a newer commit' },
    ],
    [
      'of a failure',
      { status: 'FAILED', error: 'States.Runtime', cause: 'the history limit' },
      { name: 'States.Runtime', message: 'the history limit' },
    ],
    [
      'of a failure without a word',
      { status: 'FAILED', error: null, cause: null },
      { name: 'ExecutionFailed', message: 'Step Functions says FAILED' },
    ],
  ]
  test.each(cases)('%s', (_, detail, error) => {
    expect(read(event(detail))).toEqual({
      run: 'run-1',
      input: INPUT,
      ending: { verdict: 'failed', error },
      isFirstHand: false,
    })
  })

  test.each([
    ['that was too large to be sent along', { input: undefined }],
    ['that is null', { input: null }],
    ['that is not JSON', { input: '{"repository"' }],
  ])('with an input %s', (_, detail) => {
    expect(read(event({ status: 'ABORTED', ...detail })).input).toEqual({})
  })

  test.each([['RUNNING'], ['SUCCEEDED']])('not of %s', (status) => {
    expect(() => read(event({ status }))).toThrow()
  })
})
