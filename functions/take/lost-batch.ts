import type { BatchOutcome } from '../shared/contract.ts'
import { lostOutcome } from '../shared/lost-outcome.ts'
import { stateKeys } from '../shared/keys.ts'
import { type Bucket, writeJson } from '../shared/objects.ts'
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
  const { run, wave, batch, system, derivations } = job
  const said = new Set(before?.derivations.map(({ drvPath }) => drvPath))
  const lost = lostOutcome('neither its builder nor Publish left a result')
  const outcome: BatchOutcome = {
    version: 1,
    run,
    wave,
    batch,
    system,
    machine: before?.machine ?? null,
    said: now.toISOString(),
    derivations: [
      ...(before?.derivations ?? []),
      ...derivations.filter(({ drvPath }) => !said.has(drvPath)).map(({ drvPath }) => ({ drvPath, ...lost })),
    ],
  }
  await writeJson(state, stateKeys.outcome(run, batch), outcome)
}
