import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel } from '../../../builders/in-parallel.ts'
import { Slots } from '../../../builders/slots.ts'

test('items are worked on at most so many at once, and results keep their order', async () => {
  let running = 0
  let most = 0
  const results = await inParallel(2, [5, 1, 3], async (item) => {
    most = Math.max(most, ++running)
    await sleep(item)
    running--
    return item * 10
  })
  expect(results).toEqual([50, 10, 30])
  expect(most).toBe(2)
})

test('after a failure nothing more begins, and the failure is thrown', async () => {
  const begun: number[] = []
  const work = inParallel(1, [1, 2, 3], async (item) => {
    begun.push(item)
    if (item === 2) throw new Error('two')
  })
  await expect(work).rejects.toThrow('two')
  expect(begun).toEqual([1, 2])
})

test('slots are handed on in the order of the waiting, also after a failure', async () => {
  const slots = new Slots(1)
  const order: string[] = []
  const first = slots.run(async () => {
    await sleep(1)
    order.push('first')
    throw new Error('first')
  })
  const others = ['second', 'third'].map(async (name) => slots.run(async () => void order.push(name)))
  await expect(first).rejects.toThrow('first')
  await Promise.all(others)
  expect(order).toEqual(['first', 'second', 'third'])
})
