import { describe, expect, test } from 'vitest'
import { shareBefore } from '../../../../../functions/publish/keys/narinfo-keys.ts'
import { advancePass, completePass, openPass } from '../../../../../functions/publish/keys/pass.ts'
import type { Resigning } from '../../../../../functions/shared/records.ts'

const at = (day: number): Date => new Date(Date.UTC(2026, 10, day))
const date = (day: number): string => at(day).toISOString()
const fresh = openPass(undefined, ['a-1', 'a-2'], 'first', at(1))
const half: Resigning = { ...fresh, after: 'g', done: 50, signed: 40, seconds: 5, total: 100 }
const complete = completePass(half, at(2))

describe('where a pass goes on', () => {
  test.each<[string, Resigning | undefined, string[], string, Partial<Resigning>]>([
    ['nothing was done before: at the beginning', undefined, ['a-1', 'a-2'], 'new', { after: '', done: 0 }],
    ['half is done: there', half, ['a-1', 'a-2'], 'new', { after: 'g', done: 50, execution: 'new' }],
    [
      'half is done, with other keys: at the beginning',
      half,
      ['a-1', 'a-2', 'a-3'],
      'new',
      { after: '', done: 0 },
    ],
    [
      'complete, and asked for again: at the beginning',
      complete,
      ['a-1', 'a-2'],
      'new',
      { after: '', done: 0 },
    ],
    [
      'complete, by this very execution: it is done',
      complete,
      ['a-1', 'a-2'],
      'first',
      { completed: date(2) },
    ],
  ])('%s', (_, stored, keys, execution, expected) => {
    expect(openPass(stored, keys, execution, at(3))).toMatchObject(expected)
  })
})

describe('since when every narinfo has the signatures', () => {
  const again = openPass(complete, ['a-1', 'a-2'], 'second', at(9))
  test.each<[string, Resigning, string]>([
    ['since the end of the pass', fresh, date(10)],
    ['since the end of the pass before, when this one finds nothing to sign', again, date(2)],
    ['since the end of this one, when it finds something', { ...again, signed: 1 }, date(10)],
    [
      'since the end of this one, when the one before had other keys',
      openPass(complete, ['a-2', 'a-3'], 'second', at(9)),
      date(10),
    ],
  ])('%s', (_, pass, expected) => {
    expect(completePass(pass, at(10)).completed).toBe(expected)
  })

  test('a pass that is under way is not complete, although the one before was', () => {
    expect(again.completed).toBeUndefined()
  })
})

describe('how much there is', () => {
  test.each([
    ['0'.repeat(32), 0],
    ['80000000000000000000000000000000.narinfo', 0.25],
    ['h0000000000000000000000000000000.narinfo', 0.5],
    ['zzzzzz00000000000000000000000000.narinfo', 1],
  ])('%s lies behind a share of %d', (key, share) => {
    expect(shareBefore(key)).toBeCloseTo(share, 5)
  })

  test('is estimated by how far the pass is, and never less than what was seen', () => {
    const progress = { done: 100, signed: 100, foreigners: [], seconds: 1 }
    expect(advancePass(fresh, { ...progress, last: 'h0000' }, at(2))).toMatchObject({ done: 100, total: 200 })
    expect(advancePass(fresh, { ...progress, last: 'zzzzz' }, at(2))).toMatchObject({ done: 100, total: 100 })
    expect(advancePass(fresh, { ...progress, last: '00000' }, at(2))).toMatchObject({ done: 100, total: 100 })
  })

  test('is known at the end', () => {
    expect(complete).toMatchObject({ done: 50, total: 50 })
  })

  test('of what nobody of ours has signed, the first 100 are named and all are counted', () => {
    const foreigners = Array.from({ length: 150 }, (_, index) => ({ key: `${index}`, reason: 'x' }))
    const pass = advancePass(fresh, { last: 'h', done: 150, signed: 0, foreigners, seconds: 1 }, at(2))
    expect([pass.foreign, pass.foreigners.length]).toEqual([150, 100])
  })
})
