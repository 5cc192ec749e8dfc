import { describe, expect, test } from 'vitest'
import { describeProgress, shareOfHashPart, showProgress } from '../../../scripts/hearth/verify/progress.ts'

describe('how far the work is', () => {
  test.each([
    ['nothing is known yet', 0, undefined, 0, 100, 'reading: 0'],
    ['by the total', 250, 1000, 0, 10_000, 'reading: 250 of 1,000, 25 %, 30 s left'],
    ['by the share alone', 312_000, undefined, 0.25, 120_000, 'reading: 312,000, 25 %, 6 min left'],
    ['too early to tell when it ends', 10, 100, 0, 1000, 'reading: 10 of 100, 10 %'],
    ['at the end', 100, 100, 0, 5000, 'reading: 100 of 100, 100 %, 0 s left'],
    ['with nothing to do', 0, 0, 0, 0, 'reading: 0 of 0, 100 %'],
  ])('%s', (_, done, total, share, elapsed, text) => {
    expect(describeProgress('reading', done, total, share, elapsed)).toBe(text)
  })

  test.each([
    ['0000', 0],
    ['h000', 0.5],
    ['zzzz', 1 - 32 ** -4],
  ])('the hash part %s… stands at %d of all of them', (digits, share) => {
    expect(shareOfHashPart(digits.padEnd(32, '0'))).toBeCloseTo(share, 9)
  })
})

describe('progress is shown', () => {
  const run = (isTTY: boolean): string => {
    let text = ''
    let now = 0
    const progress = showProgress({ isTTY, write: (piece) => (text += piece) }, () => now)
    progress.begin('reading', 4)
    for (now of [1, 5000, 11_000, 12_000]) progress.step()
    progress.end()
    return text
  }

  test('in one line on a terminal, which is gone at the end', () => {
    const clear = '\r\u001b[2K'
    expect(run(true).split(clear)).toEqual([
      '',
      'reading: 0 of 4',
      'reading: 2 of 4, 50 %, 5 s left',
      'reading: 3 of 4, 75 %, 4 s left',
      'reading: 4 of 4, 100 %, 0 s left',
      '',
    ])
  })

  test('in a line every 10 seconds elsewhere', () => {
    expect(run(false).split('\n')).toEqual(['reading: 0 of 4', 'reading: 3 of 4, 75 %, 4 s left', ''])
  })
})
