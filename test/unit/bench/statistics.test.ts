import { describe, expect, test } from 'vitest'
import { seriesOf } from '../../../bench/statistics.ts'

describe('median and spread', () => {
  test.each([
    ['of one value', [3], { median: 3, min: 3, max: 3 }],
    ['of an odd number', [5, 1, 10], { median: 5, min: 1, max: 10 }],
    ['of an even number: between the two in the middle', [4, 1, 3, 2], { median: 2.5, min: 1, max: 4 }],
    ['by number, not by digits', [9, 10, 100], { median: 10, min: 9, max: 100 }],
    ['with four digits', [1.23456, 1.23456], { median: 1.235, min: 1.235, max: 1.235 }],
  ])('%s', (_, values, expected) => {
    expect(seriesOf(values)).toEqual(expected)
  })

  test('of nothing is an error', () => {
    expect(() => seriesOf([])).toThrow(RangeError)
  })
})
