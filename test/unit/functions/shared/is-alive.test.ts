import { expect, test } from 'vitest'
import { isAlive } from '../../../../functions/shared/newest-run.ts'

const at = (hour: number): string => new Date(Date.UTC(2026, 2, 12, hour)).toISOString()

test.each([
  ['of which no run is known', undefined, undefined, false],
  ['that was warmed', 12, undefined, true],
  ['that was warmed, and deleted', 12, 13, false],
  ['that was deleted, and came back', 14, 13, true],
  ['that was deleted in the millisecond in which its run was started', 13, 13, false],
])('the roots of a ref %s', (_, started, since, expected) => {
  const newest = started === undefined ? undefined : { started: at(started) }
  const deleted = since === undefined ? undefined : { since: at(since) }
  expect(isAlive(newest, deleted)).toBe(expected)
})
