import type { StorePath } from '../../nix/store-path.ts'
import type { DerivationOutcome } from './contract.ts'
import { hasCome, type TriedBatch } from './run-files.ts'

// A second attempt is for what died or raced; a third would only repeat it.
const MOST_ATTEMPTS = 2
// A machine that never came says nothing about the derivation. Where CodeBuild's quota is the reason, each such batch has waited for 10 minutes: after an hour it is time
// to say so.
const MOST_STARTS = 6

/** The name of the error of a derivation of which no builder was ever there. */
export const NOT_STARTED = 'BuilderNotStarted'

/**
 * Which derivations have failed for good in this run, and why: a build that failed or was refused is not tried again; one that was lost,
 * raced or lacked an input is, once; one for which no machine came is, a few times more. Plan asks this only of what is missing now, so also a derivation that was published twice, and that no
 * cache shows, has failed.
 */
export function failuresOf(batches: TriedBatch[]): Map<StorePath, string> {
  const failures = new Map<StorePath, string>()
  const attempts = new Map<StorePath, number>()
  const starts = new Map<StorePath, number>()
  for (const { job, outcome } of batches) {
    const said = new Map(outcome?.derivations.map((derivation) => [derivation.drvPath, derivation]))
    for (const { drvPath, needs } of job.derivations) {
      const derivation = said.get(drvPath)
      // It was not tried, because something that it needs did not come. A builder that says so of a derivation whose needs all came has tried it.
      if (derivation?.outcome === 'dependency-failed' && !needs.every((need) => hasCome(said.get(need))))
        continue
      const [counted, most] =
        derivation?.error?.name === NOT_STARTED ? [starts, MOST_STARTS] : [attempts, MOST_ATTEMPTS]
      const tried = (counted.get(drvPath) ?? 0) + 1
      counted.set(drvPath, tried)
      const reason = reasonOf(derivation)
      const lasting = derivation?.error?.retryable === false
      if (lasting) failures.set(drvPath, reason)
      else if (tried >= most) failures.set(drvPath, `${reason} (tried ${tried} times)`)
    }
  }
  return failures
}

function reasonOf(derivation: DerivationOutcome | undefined): string {
  if (hasCome(derivation)) return 'it was published, and no cache shows it'
  return derivation?.error?.message ?? 'neither its builder nor Publish left a result'
}
