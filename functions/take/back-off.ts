import type { StorePath } from '../../nix/store-path.ts'
import type { MachineId } from '../shared/contract.ts'
import type { TriedBatch } from '../shared/run-files.ts'

/** What failed in passing: a network, a full disk, an input that no cache gave. */
export interface Passing {
  /** not before, milliseconds since 1970 */
  until: number
  /** not on this machine */
  machine: MachineId | null
}

// A minute: most of what passes has passed by then, or takes an hour. Doubled with every attempt.
const FIRST_MS = 60_000
// What its builder failed with; who was lost with a machine, or had lost a race, is not to blame and does not wait.
const WAITING = new Set(['failed', 'refused', 'input-missing'])

/**
 * What is to be tried again, later and elsewhere, by its last attempt.
 * @param batches of the whole run, in the order they were taken
 */
export function passingFailures(batches: TriedBatch[]): Map<StorePath, Passing> {
  const passing = new Map<StorePath, Passing>()
  const attempts = new Map<StorePath, number>()
  for (const { outcome } of batches)
    for (const { drvPath, outcome: became, error } of outcome?.derivations ?? []) {
      passing.delete(drvPath)
      if (outcome === undefined || error?.retryable !== true || !WAITING.has(became)) continue
      const tried = (attempts.get(drvPath) ?? 0) + 1
      attempts.set(drvPath, tried)
      const until = Date.parse(outcome.said) + FIRST_MS * 2 ** (tried - 1)
      passing.set(drvPath, { until, machine: outcome.machine })
    }
  return passing
}
