import { hashPartOf } from '../../nix/store-path.ts'
import type { DerivationOutcome, RunId } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { type Bucket, writeJson } from '../shared/objects.ts'
import type { RememberedFailure } from '../shared/records.ts'

/**
 * Remembers the builds that failed for a reason of their own, so that no later push builds them again unless somebody asks: a derivation is what it is built
 * from, and would fail again.
 */
export async function rememberFailures(
  state: Bucket,
  run: RunId,
  outcomes: DerivationOutcome[],
): Promise<void> {
  const failed = new Date().toISOString()
  for (const { drvPath, outcome, error, logTail = [] } of outcomes) {
    if (outcome !== 'failed' || error === undefined || error.retryable) continue
    const record: RememberedFailure = { version: 1, drvPath, run, message: error.message, logTail, failed }
    await writeJson(state, stateKeys.failure(hashPartOf(drvPath)), record)
  }
}
