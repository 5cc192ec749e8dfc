import type { StorePath } from '../../nix/store-path.ts'
import type { DerivationOutcome } from './contract.ts'
import { hasCome, type TriedBatch } from './run-files.ts'

// A second attempt is for what raced or lacked an input; a third would only repeat it.
const MOST_ATTEMPTS = 2
// With a builder everything is lost that it had in hand, begun or not: only one of that may be to blame. At 5 % of machines that die, 4 times in a row is one in 160,000.
const MOST_LOSSES = 4
// A machine that never came says nothing about the derivation. Where CodeBuild's quota is the reason, each such batch has waited for 10 minutes: after an hour it is time
// to say so.
const MOST_STARTS = 6

/** How far an attempt came: it was made, its builder was lost, there was none. */
type Attempt = 'started' | 'lost' | 'none'
const MOST: Record<Attempt, number> = { started: MOST_ATTEMPTS, lost: MOST_LOSSES, none: MOST_STARTS }

/** The name of the error of a derivation of which no builder was ever there. */
export const NOT_STARTED = 'BuilderNotStarted'

/**
 * Which derivations have failed for good in this run, and why: a build that failed or was refused is not tried again; one that raced or lacked an input is, once;
 * one that was lost with its builder, or for which no machine came, a few times more. Plan asks this only of what is missing now, so also a derivation that was published twice, and that no
 * cache shows, has failed.
 * @param batches in the order in which they were taken
 */
export function failuresOf(batches: TriedBatch[]): Map<StorePath, string> {
  const failures = new Map<StorePath, string>()
  const counts: Record<Attempt, Map<StorePath, number>> = {
    started: new Map(),
    lost: new Map(),
    none: new Map(),
  }
  /** by then: what failed once, and came when it was tried again, was not there for those that needed it before */
  const come = new Set<StorePath>()
  for (const { job, outcome } of batches) {
    for (const derivation of outcome?.derivations ?? []) if (hasCome(derivation)) come.add(derivation.drvPath)
    const said = new Map(outcome?.derivations.map((derivation) => [derivation.drvPath, derivation]))
    for (const { drvPath, needs } of job.derivations) {
      const derivation = said.get(drvPath)
      // It was not tried, because something that it needs did not come. A builder that says so of a derivation whose needs all came has tried it.
      if (derivation?.outcome === 'dependency-failed' && !needs.every((need) => come.has(need))) continue
      const attempt = attemptOf(derivation)
      const tried = (counts[attempt].get(drvPath) ?? 0) + 1
      counts[attempt].set(drvPath, tried)
      const reason = reasonOf(derivation)
      const lasting = derivation?.error?.retryable === false
      if (lasting) failures.set(drvPath, reason)
      else if (tried >= MOST[attempt]) failures.set(drvPath, `${reason} (tried ${tried} times)`)
    }
  }
  return failures
}

function attemptOf(derivation: DerivationOutcome | undefined): Attempt {
  if (derivation?.error?.name === NOT_STARTED) return 'none'
  return derivation === undefined || derivation.outcome === 'lost' ? 'lost' : 'started'
}

function reasonOf(derivation: DerivationOutcome | undefined): string {
  if (hasCome(derivation)) return 'it was published, and no cache shows it'
  return derivation?.error?.message ?? 'neither its builder nor Publish left a result'
}
