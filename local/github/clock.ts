/** GitHub's clock: the machine's, as far ahead as a test has moved it. */
export interface Clock {
  /** milliseconds since 1970 */
  now(): number
  advance(milliseconds: number): void
}

export function createClock(): Clock {
  let ahead = 0
  return {
    now: () => Date.now() + ahead,
    advance(milliseconds) {
      ahead += milliseconds
    },
  }
}

/** As GitHub writes times: ISO 8601 in UTC, without fractions of a second. */
export function isoSeconds(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`
}
