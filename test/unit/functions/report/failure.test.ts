import { describe, expect, test } from 'vitest'
import { readFailure } from '../../../../functions/report/failure.ts'

// As Step Functions hands them over: developer guide, "Handling errors"; a .sync build gives the whole build in its cause.
describe('what Step Functions caught, for people', () => {
  test.each([
    [
      'an error of a Lambda',
      {
        Error: 'UpstreamUnavailable',
        Cause:
          '{"errorType":"UpstreamUnavailable","errorMessage":"https://c could not be asked","trace":["at x"]}',
      },
      { name: 'UpstreamUnavailable', message: 'https://c could not be asked' },
    ],
    [
      'a Lambda that ran out of time',
      {
        Error: 'Sandbox.Timedout',
        Cause:
          '{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 90.00 seconds"}',
      },
      { name: 'Sandbox.Timedout', message: 'RequestId: 1 Error: Task timed out after 90.00 seconds' },
    ],
    [
      'a build that failed',
      {
        Error: 'States.TaskFailed',
        Cause: '{"Build":{"Id":"hearth-evaluator:1f6ab8c2","BuildStatus":"FAILED","Arn":"arn:x"}}',
      },
      {
        name: 'BuilderFailed',
        message: 'the build hearth-evaluator:1f6ab8c2 ended FAILED: its log says why',
      },
    ],
    [
      'plain text',
      { Error: 'CodeBuild.AccountLimitExceededException', Cause: 'Cannot have more than 1 builds in queue' },
      { name: 'CodeBuild.AccountLimitExceededException', message: 'Cannot have more than 1 builds in queue' },
    ],
    [
      'JSON of some other kind',
      { Error: 'States.Runtime', Cause: '{"what": 1}' },
      { name: 'States.Runtime', message: '{"what": 1}' },
    ],
    [
      'JSON that is no object',
      { Error: 'States.Runtime', Cause: '42' },
      { name: 'States.Runtime', message: '42' },
    ],
    ['no cause', { Error: 'States.Timeout' }, { name: 'States.Timeout', message: 'no cause was given' }],
    [
      'an empty cause',
      { Error: 'States.Timeout', Cause: '' },
      { name: 'States.Timeout', message: 'no cause was given' },
    ],
    ['no error', { Cause: 'x' }, { name: 'UnknownError', message: 'x' }],
  ])('%s', (_, caught, expected) => {
    expect(readFailure(caught)).toEqual(expected)
  })
})
