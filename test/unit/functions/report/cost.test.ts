import { describe, expect, test } from 'vitest'
import { costOf, formatUsd } from '../../../../functions/report/cost.ts'
import { pricesOf } from '../../../../functions/report/prices.ts'

const LARGE = 'LINUX_CONTAINER BUILD_GENERAL1_LARGE'
const build = (seconds: number, isReserved = false) => ({ machine: LARGE, seconds, isReserved })
const usd = (...builds: ReturnType<typeof build>[]) => costOf(builds, 0, 0, pricesOf(undefined)).usd

describe('build minutes at $0.02', () => {
  test.each([
    ['nothing was built', [], 0],
    ['a second is a minute', [build(1)], 0.02],
    ['each build is rounded up by itself', [build(61), build(61)], 0.08],
    ['a fleet is paid for anyway', [build(600, true)], 0],
    ['a clock that goes back costs nothing', [build(-5)], 0],
  ])('%s', (_, builds, expected) => {
    expect(usd(...builds)).toBeCloseTo(expected, 10)
  })
})

test("hearth.yml's own prices come before the list's", () => {
  const prices = pricesOf({ minutes: { [LARGE]: 1 }, storage: 5 })
  expect(costOf([build(60)], 0, 2e9, prices)).toMatchObject({ usd: 1, storageUsdPerMonth: 10 })
  expect(prices.minutes['ARM_CONTAINER BUILD_GENERAL1_LARGE']).toBe(0.015)
  expect(prices.source).toContain('hearth.yml')
})

test.each([
  [0, '$0'],
  [0.000_01, 'less than $0.0001'],
  [0.002_771, '$0.0028'],
  [0.1, '$0.10'],
  [12.345, '$12.35'],
])('%d USD is %s', (amount, text) => {
  expect(formatUsd(amount)).toBe(text)
})
