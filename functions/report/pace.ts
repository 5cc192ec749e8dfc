/** `github/pace/<repository>.json`: from when on the next call that changes something may be made. */
export interface PaceRecord {
  version: 1
  /** ISO 8601 */
  free: string
}

/** What GitHub asks for. */
const DISTANCE_MS = 1000
/**
 * GitHub asks for a second between calls that change something. Source: GitHub REST API, "Best practices for using the REST API". Another one, because
 * a call may be on its way for longer than the one after it: on a busy machine some 200 ms were seen.
 */
export const SPACING_MS = 2000
/** A slot that is further away is not waited for: a function that waits is paid for. */
export const MOST_WAIT_MS = 30_000

/**
 * The next slot of a repository, and the record that reserves it.
 * @param known the record as it stands
 * @param now milliseconds since 1970
 * @param answered when GitHub last answered a call of the same caller: it has heard that call by then, and nobody knows when
 * @returns undefined when the slot is too far away
 */
export function nextSlot(
  known: PaceRecord | undefined,
  now: number,
  answered = 0,
): { waitMs: number; record: PaceRecord } | undefined {
  const free = known === undefined ? now : Date.parse(known.free)
  // A record that is no date keeps nobody from calling.
  const slot = Math.max(now, Number.isNaN(free) ? 0 : free, answered + DISTANCE_MS)
  if (slot - now > MOST_WAIT_MS) return undefined
  return {
    waitMs: slot - now,
    record: { version: 1, free: new Date(slot + SPACING_MS).toISOString() },
  }
}
