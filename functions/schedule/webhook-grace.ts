// GitHub gives up on a delivery after 10 seconds; the rest of 2 minutes is for those that queue there. Source: GitHub, "Handling webhook deliveries".
const GRACE_MS = 2 * 60 * 1000

/**
 * How much longer deliveries may come of what was pushed before the schedule fired, in milliseconds; nothing when the event is old.
 * @param time of the event, ISO 8601
 * @param now in milliseconds since 1970
 */
export function webhookGrace(time: string, now: number): number {
  return Math.min(Math.max(Date.parse(time) + GRACE_MS - now, 0), GRACE_MS)
}
