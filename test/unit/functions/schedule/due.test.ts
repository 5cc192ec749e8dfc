import { describe, expect, test } from 'vitest'
import { isDue, slotOf } from '../../../../functions/schedule/due.ts'
import { webhookGrace } from '../../../../functions/schedule/webhook-grace.ts'
import type { ScheduleConfig } from '../../../../functions/shared/parse-config.ts'

// 2026-03-15 is a Sunday: `date -d 2026-03-15 +%A`
const SUNDAY = '2026-03-15'

describe('a firing is for its full hour', () => {
  test.each([
    ['on time', '2026-03-15T02:00:00Z', '2026-03-15T02:00:00.000Z'],
    ['late', '2026-03-15T02:59:59.999Z', '2026-03-15T02:00:00.000Z'],
    ['the next', '2026-03-15T03:00:00Z', '2026-03-15T03:00:00.000Z'],
  ])('%s', (_, time, slot) => {
    expect(slotOf(time).toISOString()).toBe(slot)
  })
})

const WEEK = Array.from({ length: 7 * 24 }, (_, hour) => {
  const slot = new Date(`${SUNDAY}T00:00:00Z`)
  slot.setUTCHours(hour)
  return slot
})
const dueIn = (schedule: ScheduleConfig): string[] =>
  WEEK.filter((slot) => isDue(schedule, slot)).map((slot) => slot.toISOString().slice(0, 13))

describe('the hours of a week in which a repository is due', () => {
  const lines: [string, ScheduleConfig, string[]][] = [
    ['weekly: Sunday night', 'weekly', ['2026-03-15T02']],
    ['daily: every night', 'daily', [15, 16, 17, 18, 19, 20, 21].map((day) => `2026-03-${day}T02`)],
    ['never', 'never', []],
    ['a day and an hour', { days: ['monday'], hour: 5 }, ['2026-03-16T05']],
    [
      'several days, whatever their order',
      { days: ['friday', 'sunday', 'friday'], hour: 23 },
      ['2026-03-15T23', '2026-03-20T23'],
    ],
    ['midnight begins a day', { days: ['saturday'], hour: 0 }, ['2026-03-21T00']],
  ]
  test.each(lines)('%s', (_, schedule, hours) => {
    expect(dueIn(schedule)).toEqual(hours)
  })
})

describe('how much longer a webhook may bring what was pushed before the hour', () => {
  const TIME = '2026-03-15T02:00:00Z'
  test.each([
    ['at once', 0, 120_000],
    ['after some seconds', 7_000, 113_000],
    ['when an event is tried again', 90_000, 30_000],
    ['when it is late', 3_600_000, 0],
    ['when this machine’s clock is behind', -5_000, 120_000],
  ])('%s', (_, later, left) => {
    expect(webhookGrace(TIME, Date.parse(TIME) + later)).toBe(left)
  })
})
