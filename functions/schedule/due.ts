import type { Day, ScheduleConfig } from '../shared/parse-config.ts'

// Sunday, 02:00 UTC: before the working week, and when nobody waits for machines.
const WEEKLY = { days: ['sunday'], hour: 2 } satisfies ScheduleConfig
const DAILY_HOUR = 2
/** In the order of Date's getUTCDay. */
const DAYS: Day[] = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

/** The full hour that a firing of the schedule is for, however late it comes. @param time of the event, ISO 8601 */
export function slotOf(time: string): Date {
  const slot = new Date(time)
  slot.setUTCMinutes(0, 0, 0)
  return slot
}

/** Whether a repository with this schedule is looked at in the hour that begins then. Hours and days are UTC's. */
export function isDue(schedule: ScheduleConfig, slot: Date): boolean {
  if (schedule === 'never') return false
  const hour = slot.getUTCHours()
  if (schedule === 'daily') return hour === DAILY_HOUR
  const { days, hour: at } = schedule === 'weekly' ? WEEKLY : schedule
  return hour === at && days.some((day) => day === DAYS[slot.getUTCDay()])
}
