import { hashPartOf } from '../../nix/store-path.ts'
import type { DerivationOutcome, RunId } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { objectsUnder } from '../shared/list-objects.ts'
import { type Bucket, deleteObject, writeJson } from '../shared/objects.ts'
import type { RememberedFailure } from '../shared/records.ts'
import { hasCome } from '../shared/run-files.ts'

/**
 * Remembers the builds that failed for a reason of their own, so that no later push builds them again unless somebody asks: a derivation is what it is built
 * from, and would fail again. One that was built after all is forgotten: should caches lose it, it is built again. What failed is few: a request for each thousand tells
 * whether something is to be forgotten.
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
  const came = outcomes.filter(hasCome).map(({ drvPath }) => stateKeys.failure(hashPartOf(drvPath)))
  if (came.length === 0) return
  const remembered = await objectsUnder(state, stateKeys.failures)
  for (const key of came) if (remembered.has(key)) await deleteObject(state, key)
}
