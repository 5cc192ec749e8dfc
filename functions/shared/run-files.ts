import type { BatchOutcome, BuildJob, RunId, WavePlan } from './contract.ts'
import { stateKeys } from './keys.ts'
import { type Bucket, findJson, readJson } from './objects.ts'

/** A batch of a run, with what Publish said of it; nothing when neither builder nor Publish left a word. */
export interface TriedBatch {
  job: BuildJob
  outcome: BatchOutcome | undefined
}

/** The plans of a run, wave by wave, up to a wave (inclusive) or as many as there are. */
export async function readPlans(
  state: Bucket,
  run: RunId,
  upTo = Number.POSITIVE_INFINITY,
): Promise<WavePlan[]> {
  const plans: WavePlan[] = []
  for (let wave = 1; wave <= upTo; wave++) {
    const plan = await findJson<WavePlan>(state, stateKeys.plan(run, wave))
    if (plan === undefined) break
    plans.push(plan)
  }
  return plans
}

/** Every batch that these plans started. */
export async function readBatches(state: Bucket, plans: WavePlan[]): Promise<TriedBatch[]> {
  return Promise.all(
    plans.flatMap(({ run, wave, batches }) =>
      batches.map(async ({ system, job }) => ({
        job: await readJson<BuildJob>(state, job),
        outcome: await findJson<BatchOutcome>(state, stateKeys.outcome(run, wave, system)),
      })),
    ),
  )
}
