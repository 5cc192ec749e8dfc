import type { StorePath } from '../../nix/store-path.ts'
import type { DerivationOutcome } from './contract.ts'
import { hasCome, type TriedBatch } from './run-files.ts'

// A second attempt is for what died or raced; a third would only repeat it.
const MOST_ATTEMPTS = 2

/**
 * Which derivations have failed for good in this run, and why: a build that failed or was refused is not tried again; one that was lost,
 * raced or lacked an input is, once. Plan asks this only of what is missing now, so also a derivation that was published twice, and that no
 * cache shows, has failed.
 */
export function failuresOf(batches: TriedBatch[]): Map<StorePath, string> {
  const failures = new Map<StorePath, string>()
  const attempts = new Map<StorePath, number>()
  const come = new Set<StorePath>()
  for (const { outcome } of batches)
    for (const derivation of outcome?.derivations ?? []) if (hasCome(derivation)) come.add(derivation.drvPath)
  for (const { job, outcome } of batches) {
    const said = new Map(outcome?.derivations.map((derivation) => [derivation.drvPath, derivation]))
    for (const { drvPath, needs } of job.derivations) {
      const derivation = said.get(drvPath)
      // It was not tried, because something that it needs did not come. A builder that says so of a derivation whose needs all came has tried it.
      if (derivation?.outcome === 'dependency-failed' && !needs.every((need) => come.has(need))) continue
      const tried = (attempts.get(drvPath) ?? 0) + 1
      attempts.set(drvPath, tried)
      const reason = reasonOf(derivation)
      const lasting = derivation?.error?.retryable === false
      if (lasting) failures.set(drvPath, reason)
      else if (tried >= MOST_ATTEMPTS) failures.set(drvPath, `${reason} (tried ${tried} times)`)
    }
  }
  return failures
}

function reasonOf(derivation: DerivationOutcome | undefined): string {
  if (hasCome(derivation)) return 'it was published, and no cache shows it'
  return derivation?.error?.message ?? 'neither its builder nor Publish left a result'
}
