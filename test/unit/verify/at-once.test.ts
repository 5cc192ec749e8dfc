import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { forEachAtOnce } from '../../../functions/shared/at-once.ts'

/** Counts what was taken from it. */
function source(length: number): { items: Iterable<number>; taken: () => number } {
  let taken = 0
  function* items(): Generator<number> {
    for (; taken < length;) yield taken++
  }
  return { items: items(), taken: () => taken }
}

test('every item is worked on, and never more than so many are taken and not finished', async () => {
  const { items, taken } = source(100)
  const finished: number[] = []
  let most = 0
  await forEachAtOnce(items, 7, async (item) => {
    await sleep(item % 3)
    most = Math.max(most, taken() - finished.length)
    finished.push(item)
  })
  expect(finished.toSorted((a, b) => a - b)).toEqual([...Array(100).keys()])
  expect(most).toBe(7)
})

test('the first failure is thrown when everything that was begun has ended, and nothing more is begun', async () => {
  const { items, taken } = source(1000)
  let running = 0
  const work = forEachAtOnce(items, 5, async (item) => {
    running++
    await sleep(1)
    running--
    if (item === 10) throw new Error('item 10')
  })
  await expect(work).rejects.toThrow('item 10')
  expect(running).toBe(0)
  expect(taken()).toBeLessThan(25)
})
