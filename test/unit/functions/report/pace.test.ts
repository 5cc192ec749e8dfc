import { describe, expect, test } from 'vitest'
import { Turns } from '../../../../functions/report/github/turns.ts'
import { nextSlot, type PaceRecord, SPACING_MS } from '../../../../functions/report/pace.ts'
import { Buckets } from '../buckets.ts'

const NOW = Date.parse('2026-03-12T19:00:00.000Z')
const at = (ms: number): PaceRecord => ({ version: 1, free: new Date(NOW + ms).toISOString() })

describe('a second and a bit between calls about a repository', () => {
  test.each<[string, PaceRecord | undefined, number | undefined, number]>([
    ['the first one', undefined, 0, SPACING_MS],
    ['long after the last one', at(-5000), 0, SPACING_MS],
    ['at its time', at(0), 0, SPACING_MS],
    ['too early: it waits', at(700), 700, 700 + SPACING_MS],
    ['as long as is waited', at(30_000), 30_000, 30_000 + SPACING_MS],
    ['a record that is none', { version: 1, free: 'soon' }, 0, SPACING_MS],
  ])('%s', (_, known, waitMs, free) => {
    expect(nextSlot(known, NOW)).toEqual({ waitMs, record: at(free) })
  })

  test.each<[string, PaceRecord, number, number]>([
    ['that took long was heard late: a second from its answer', at(0), NOW - 100, 900],
    ['that was answered at once: its slot counts', at(1100), NOW - 100, 1100],
    ['long ago', at(0), NOW - 5000, 0],
  ])('after a call of the same function %s', (_, known, answered, waitMs) => {
    expect(nextSlot(known, NOW, answered)).toEqual({ waitMs, record: at(waitMs + SPACING_MS) })
  })

  test('further away than 30 s nobody waits, and no slot is taken', () => {
    expect(nextSlot(at(30_001), NOW)).toBeUndefined()
  })
})

describe('slots are reserved by conditional writes', () => {
  test('so that functions that run at once get different ones', async () => {
    const buckets = new Buckets()
    const state = buckets.bucket('state')
    const before = Date.now()
    await Promise.all(Array.from({ length: 3 }, () => new Turns(state, 'acme/shells').next()))
    const record = buckets.json('state/github/pace/acme/shells.json') as PaceRecord
    expect(Date.parse(record.free)).toBeGreaterThanOrEqual(before + 3 * SPACING_MS)
    expect(buckets.written).toHaveLength(3)
  })

  test('and a function whose call took long takes its next turn a second after the answer', async () => {
    const buckets = new Buckets()
    const turns = new Turns(buckets.bucket('state'), 'acme/shells')
    buckets.put('state/github/pace/acme/shells.json', at(0))
    const answered = Date.now()
    turns.over()
    await turns.next()
    const { free } = buckets.json('state/github/pace/acme/shells.json') as PaceRecord
    expect(Date.parse(free)).toBeGreaterThanOrEqual(answered + 1000 + SPACING_MS)
  })

  test('and one that is too far away is not waited for', async () => {
    const buckets = new Buckets()
    const free = new Date(Date.now() + 60_000).toISOString()
    buckets.put('state/github/pace/acme/shells.json', { version: 1, free })
    await expect(new Turns(buckets.bucket('state'), 'acme/shells').next()).rejects.toMatchObject({
      name: 'GitHubUnavailable',
      retryable: true,
    })
    expect(buckets.written).toEqual([])
  })
})
