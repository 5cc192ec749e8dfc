import type { StorePath } from '../../nix/store-path.ts'
import type { TriedBatch } from '../shared/run-files.ts'

// A second attempt is for what died or raced; a third would only repeat it.
const MOST_ATTEMPTS = 2

/**
 * Which derivations have failed for good in this run, and why: a build that failed or was refused is not tried again; one that was lost,
 * raced or lacked an input is, once.
 */
export function failuresOf(batches: TriedBatch[]): Map<StorePath, string> {
  const failures = new Map<StorePath, string>()
  const attempts = new Map<StorePath, number>()
  for (const { job, outcome } of batches) {
    const said = new Map(outcome?.derivations.map((derivation) => [derivation.drvPath, derivation]))
    for (const { drvPath } of job.derivations) {
      const derivation = said.get(drvPath)
      if (derivation?.outcome === 'dependency-failed') continue
      if (derivation?.outcome === 'published' || derivation?.outcome === 'already-published') continue
      const tried = (attempts.get(drvPath) ?? 0) + 1
      attempts.set(drvPath, tried)
      const reason = derivation?.error?.message ?? 'neither its builder nor Publish left a result'
      const lasting = derivation?.error?.retryable === false
      if (lasting) failures.set(drvPath, reason)
      else if (tried >= MOST_ATTEMPTS) failures.set(drvPath, `${reason} (tried ${tried} times)`)
    }
  }
  return failures
}
