import { describe, expect, test } from 'vitest'
import { buildOfFailure, lostMessage } from '../../../../functions/publish/failed-build.ts'

const BUILD = 'hearth-builder:1f6ab8c2'
// Step Functions developer guide, "Run a job (.sync)": the cause of a failed task is the whole build.
const failed = (BuildStatus: string) => ({
  Error: 'States.TaskFailed',
  Cause: JSON.stringify({ Build: { Id: BUILD, BuildStatus, Arn: 'arn:x', Phases: [] } }),
})

describe('the build that a failed state had started', () => {
  test.each([
    ['a build that failed', failed('FAILED'), BUILD],
    ['a build that ran out of time', failed('TIMED_OUT'), BUILD],
    [
      'none, because there were too many',
      { Error: 'CodeBuild.AccountLimitExceededException', Cause: 'Cannot have more than 1 builds in queue' },
      undefined,
    ],
    ['none, because the state ran out of time', { Error: 'States.Timeout' }, undefined],
    ['nothing failed', undefined, undefined],
    ['a cause of another kind', { Cause: '{"errorMessage": "x"}' }, undefined],
    ['a cause that is no object', { Cause: '42' }, undefined],
    ['a cause that is null', { Cause: 'null' }, undefined],
    ['a build whose id is none', { Cause: '{"Build": {"Id": 7}}' }, undefined],
  ])('%s', (_, failure, expected) => {
    expect(buildOfFailure(failure)).toBe(expected)
  })
})

describe('what is said of a derivation of which the builder said nothing', () => {
  test.each([
    [BUILD, undefined, `its builder ${BUILD} ended without a word about it`],
    [
      BUILD,
      failed('TIMED_OUT'),
      `its builder ${BUILD} ended (TIMED_OUT) without a word about it: the build's log says more`,
    ],
    [
      undefined,
      { Error: 'CodeBuild.AccountLimitExceededException', Cause: 'Cannot have more than 1 builds in queue' },
      'no builder could be started (CodeBuild.AccountLimitExceededException: Cannot have more than 1 builds in queue)',
    ],
    [undefined, {}, 'no builder could be started (unknown error: )'],
  ])('build %s, failure %j', (build, failure, expected) => {
    expect(lostMessage(build, failure)).toBe(expected)
  })
})
