import { expect, test } from 'vitest'
import { formatProofs, proofsAsJson } from '../../../scripts/mutate-guards/format-proofs.ts'
import type { Proof } from '../../../scripts/mutate-guards/prove.ts'

const guard = {
  name: 'a door is shut',
  file: 'door.ts',
  text: 'shut',
  without: 'open',
  test: 'test/unit/door.test.ts',
}
const covered = { by: 'there is a wall', file: 'wall.ts', text: 'stone', without: 'air' }
const PROOFS: Proof[] = [
  { guard, isNeeded: true, says: 'a door nobody comes in', seconds: 1.26 },
  { guard: { ...guard, name: 'a window', covered }, isNeeded: true, says: 'a window', seconds: 2 },
  {
    guard: { ...guard, name: 'a lock' },
    isNeeded: false,
    says: 'nobody misses it:\n  3 tests pass',
    seconds: 3,
  },
]

test('the table says guard, file, and the test that fails without it', () => {
  expect(formatProofs(PROOFS)).toBe(
    [
      '        guard           file              test that fails without it',
      'needed  a door is shut  door.ts           test/unit/door.test.ts: a door nobody comes in',
      'needed  a window        door.ts, wall.ts  test/unit/door.test.ts: a window (without both; alone it is covered: there is a wall)',
      'FAILED  a lock          door.ts           nobody misses it: 3 tests pass',
      '',
    ].join('\n'),
  )
})

test('and so does the JSON', () => {
  expect(JSON.parse(proofsAsJson(PROOFS, 6.3))).toEqual({
    version: 1,
    needed: 2,
    of: 3,
    seconds: 6,
    guards: [
      {
        guard: 'a door is shut',
        file: 'door.ts',
        needed: true,
        testFile: 'test/unit/door.test.ts',
        test: 'a door nobody comes in',
        seconds: 1.3,
      },
      {
        guard: 'a window',
        file: 'door.ts',
        coveredBy: 'there is a wall',
        alsoIn: 'wall.ts',
        needed: true,
        testFile: 'test/unit/door.test.ts',
        test: 'a window',
        seconds: 2,
      },
      {
        guard: 'a lock',
        file: 'door.ts',
        needed: false,
        testFile: 'test/unit/door.test.ts',
        because: 'nobody misses it:\n  3 tests pass',
        seconds: 3,
      },
    ],
  })
})
