import { writeOutcome } from '../shared/batch-outcome.ts'
import { lostOutcome } from '../shared/lost-outcome.ts'
import type { Bucket } from '../shared/objects.ts'
import type { TriedBatch } from '../shared/run-files.ts'

/**
 * Writes down what became of a batch of which Publish has not said its last word, and whose lane has gone on: what nobody spoke of is lost. Nobody has to wait for
 * it any more, in this run or in another.
 */
export async function noteLost(
  state: Bucket,
  { job, outcome: before }: TriedBatch,
  now: Date,
): Promise<void> {
  const said = new Set(before?.derivations.map(({ drvPath }) => drvPath))
  const lost = lostOutcome('neither its builder nor Publish left a result')
  const unsaid = job.derivations.filter(({ drvPath }) => !said.has(drvPath))
  const derivations = [...(before?.derivations ?? []), ...unsaid.map(({ drvPath }) => ({ drvPath, ...lost }))]
  await writeOutcome(state, job, before?.machine ?? null, derivations, now)
}
