import { describe, expect, test } from 'vitest'
import { lostMessage } from '../../../../functions/publish/failed-build.ts'

const BUILD = 'hearth-builder:1f6ab8c2'

describe('what is said of a derivation of which the builder said nothing', () => {
  test.each([
    ['a build that ended', BUILD, undefined, `its builder ${BUILD} ended without a word about it`],
    [
      'a machine that was silent for too long',
      BUILD,
      { Error: 'States.HeartbeatTimeout', Cause: '' },
      `its builder ${BUILD} was lost (States.HeartbeatTimeout) without a word about it: the build's log says more`,
    ],
    [
      'a machine that says what went wrong',
      BUILD,
      { Error: 'ArchiveRefused', Cause: 'it lacks a derivation' },
      `its builder ${BUILD} was lost (ArchiveRefused: it lacks a derivation) without a word about it: the build's log says more`,
    ],
    [
      'no machine, because there were too many',
      undefined,
      { Error: 'CodeBuild.AccountLimitExceededException', Cause: 'Cannot have more than 1 builds in queue' },
      'no builder could be started (CodeBuild.AccountLimitExceededException: Cannot have more than 1 builds in queue)',
    ],
    ['no machine, and nobody says why', undefined, {}, 'no builder could be started (unknown error)'],
  ])('%s', (_, machine, failure, expected) => {
    expect(lostMessage(machine, failure)).toBe(expected)
  })
})
