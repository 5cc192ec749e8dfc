import type { BatchOutcome, BuildJob, DerivationOutcome, MachineId } from './contract.ts'
import { stateKeys } from './keys.ts'
import { type Bucket, writeJson } from './objects.ts'

/**
 * Writes down what became of a batch, as far as it is known.
 * @param machine whose staging prefix was read; null when no builder was ever there
 * @param now when it is said
 */
export async function writeOutcome(
  state: Bucket,
  { run, wave, batch, system }: BuildJob,
  machine: MachineId | null,
  derivations: DerivationOutcome[],
  now: Date,
): Promise<void> {
  const said = now.toISOString()
  const outcome: BatchOutcome = { version: 1, run, wave, batch, system, machine, said, derivations }
  await writeJson(state, stateKeys.outcome(run, batch), outcome)
}
