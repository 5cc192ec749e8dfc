import type { RunReport } from './run-report.ts'

/**
 * What of a run is worth another word when it changes: its verdict, and how its shells stand. Not how long it has taken, or what it costs, by now: that changes by
 * itself.
 */
export function newsOf({ verdict, reason, error, shells }: RunReport): unknown {
  return {
    verdict,
    reason,
    error,
    shells: shells.map(({ attribute, system, state }) => [attribute, system, state]),
  }
}
