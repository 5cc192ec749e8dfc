import type { StorePath } from '../../nix/store-path.ts'
import type { DerivationOutcome } from './contract.ts'
import { hasCome, type TriedBatch } from './run-files.ts'

// A second attempt is for what raced or lacked an input; a third would only repeat it.
const MOST_ATTEMPTS = 2
// With a builder everything is lost that it had in hand, begun or not: only one of that may be to blame. At 5 % of machines that die, 4 times in a row is one in 160,000.
const MOST_LOSSES = 4

/**
 * Which derivations have failed for good in this run, and why: a build that failed or was refused is not tried again; one that
 * raced or lacked an input is, once, and one that was lost with its builder a few times. Plan asks this only of what is missing now, so also a derivation that was published twice, and that no
 * cache shows, has failed.
 */
export function failuresOf(batches: TriedBatch[]): Map<StorePath, string> {
  const failures = new Map<StorePath, string>()
  const attempts = new Map<StorePath, number>()
  const losses = new Map<StorePath, number>()
  const come = new Set<StorePath>()
  for (const { outcome } of batches)
    for (const derivation of outcome?.derivations ?? []) if (hasCome(derivation)) come.add(derivation.drvPath)
  for (const { job, outcome } of batches) {
    const said = new Map(outcome?.derivations.map((derivation) => [derivation.drvPath, derivation]))
    for (const { drvPath, needs } of job.derivations) {
      const derivation = said.get(drvPath)
      // It was not tried, because something that it needs did not come. A builder that says so of a derivation whose needs all came has tried it.
      if (derivation?.outcome === 'dependency-failed' && !needs.every((need) => come.has(need))) continue
      const isLost = derivation === undefined || derivation.outcome === 'lost'
      const counts = isLost ? losses : attempts
      const tried = (counts.get(drvPath) ?? 0) + 1
      counts.set(drvPath, tried)
      const reason = reasonOf(derivation)
      const lasting = derivation?.error?.retryable === false
      if (lasting) failures.set(drvPath, reason)
      else if (tried >= (isLost ? MOST_LOSSES : MOST_ATTEMPTS))
        failures.set(drvPath, `${reason} (tried ${tried} times)`)
    }
  }
  return failures
}

function reasonOf(derivation: DerivationOutcome | undefined): string {
  if (hasCome(derivation)) return 'it was published, and no cache shows it'
  return derivation?.error?.message ?? 'neither its builder nor Publish left a result'
}
