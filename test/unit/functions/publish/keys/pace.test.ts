import { expect, test } from 'vitest'
import { paced } from '../../../../../functions/publish/keys/pace.ts'

/** Runs callers one after the other at a clock of its own, and says when each got its turn. */
async function turns(perSecond: number, arrivals: number[]): Promise<number[]> {
  let now = 0
  const turn = paced(perSecond, {
    now: () => now,
    sleep: async (ms) => {
      now += ms
    },
  })
  const at: number[] = []
  for (const arrival of arrivals) {
    now = Math.max(now, arrival)
    await turn()
    at.push(now)
  }
  return at
}

test.each<[string, number, number[], number[]]>([
  ['all at once: evenly', 10, [0, 0, 0, 0], [0, 100, 200, 300]],
  ['slower than allowed: at once', 10, [0, 500, 1000], [0, 500, 1000]],
  ['a pause saves nothing up', 10, [0, 1000, 1000, 1000], [0, 1000, 1100, 1200]],
  ['less than one a second', 0.5, [0, 0, 0], [0, 2000, 4000]],
])('%s', async (_, perSecond, arrivals, expected) => {
  expect(await turns(perSecond, arrivals)).toEqual(expected)
})
