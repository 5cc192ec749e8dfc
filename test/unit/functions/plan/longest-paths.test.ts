import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { longestPaths } from '../../../../functions/plan/longest-paths.ts'
import { schedules } from '../take/schedules.ts'

test.each([
  ['one alone', [{ seconds: 5, needs: [] }], [5]],
  [
    'a chain',
    [
      { seconds: 5, needs: [] },
      { seconds: 3, needs: [0] },
      { seconds: 1, needs: [1] },
    ],
    [9, 4, 1],
  ],
  [
    'the longer side of a diamond',
    [
      { seconds: 1, needs: [] },
      { seconds: 10, needs: [0] },
      { seconds: 20, needs: [0] },
      { seconds: 2, needs: [1, 2] },
    ],
    [23, 12, 22, 2],
  ],
])('%s', (_, derivations, expected) => {
  expect(longestPaths(derivations)).toEqual(expected)
})

test('is its own seconds and the longest of what needs it', () => {
  fc.assert(
    fc.property(schedules, ({ derivations }) => {
      const paths = longestPaths(derivations)
      for (const [position, { seconds }] of derivations.entries()) {
        const after = derivations.flatMap(({ needs }, other) =>
          needs.includes(position) ? [paths[other] ?? NaN] : [],
        )
        expect(paths[position]).toBe(seconds + Math.max(0, ...after))
      }
    }),
  )
})

test('a chain of 100,000 is no deeper than a loop', () => {
  const derivations = Array.from({ length: 100_000 }, (_, position) => ({
    seconds: 1,
    needs: position === 0 ? [] : [position - 1],
  }))
  expect(longestPaths(derivations)[0]).toBe(100_000)
})
