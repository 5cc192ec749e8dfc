import type { EvaluationJob, PlanVerdict, RunId, WavePlan } from '../../../functions/shared/contract.ts'
import { HearthError } from '../../../functions/shared/errors.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { objectsUnder } from '../../../functions/shared/list-objects.ts'
import { type Bucket, findJson, readJson } from '../../../functions/shared/objects.ts'
import { readBatches, type TriedBatch } from '../../../functions/shared/run-files.ts'

/** When a run did what, by the times at which it wrote that down: S3 has whole seconds. */
export interface RunTimes {
  run: RunId
  /** like `owner/name main 0123abc` */
  target: string
  started: Date
  /** when its summary was written, or undefined as long as it goes on */
  ended: Date | undefined
  /** in their order */
  plans: { verdict: PlanVerdict; at: Date }[]
  batches: TimedBatch[]
}

export interface TimedBatch extends TriedBatch {
  /** when a lane took it */
  taken: Date
  /** when Publish wrote down what became of it, or undefined as long as it has not */
  ended: Date | undefined
}

/** A run that never came to plan anything has no chart. */
export class NothingToDraw extends HearthError {
  override name = 'NothingToDraw'
}

/** @throws NothingToDraw when the run has planned nothing, or is not there */
export async function readRunTimes(state: Bucket, run: RunId): Promise<RunTimes> {
  const [job, plans, taken, ended, summary, batches] = await Promise.all([
    findJson<EvaluationJob>(state, stateKeys.job(run)),
    readPlans(state, run),
    objectsUnder(state, stateKeys.batches(run)),
    objectsUnder(state, stateKeys.outcomes(run)),
    objectsUnder(state, stateKeys.summary(run)),
    readBatches(state, run),
  ])
  const [first] = plans
  if (job === undefined || first === undefined)
    throw new NothingToDraw(
      `the run ${run} has planned nothing, so there is nothing to draw: \`hearth run show ${run}\` says where it is`,
    )
  const { repository, ref, commit } = job.target
  return {
    run,
    target: `${repository} ${ref.replace(/^refs\/heads\//, '')} ${commit.slice(0, 7)}`,
    started: job.started === undefined ? first.at : new Date(job.started),
    ended: summary.get(stateKeys.summary(run))?.modified,
    plans,
    batches: batches.map((batch) => ({
      ...batch,
      taken: taken.get(stateKeys.batch(run, batch.job.batch))?.modified ?? first.at,
      ended: ended.get(stateKeys.outcome(run, batch.job.batch))?.modified,
    })),
  }
}

/** One for each wave; `plans/` has the evaluation, too. */
async function readPlans(state: Bucket, run: RunId): Promise<RunTimes['plans']> {
  const listed = await objectsUnder(state, stateKeys.plan(run, 0).replace(/0\.json$/, ''))
  const waves = [...listed.values()].flatMap((object) => {
    const wave = /\/(\d+)\.json$/.exec(object.key)?.[1]
    return wave === undefined ? [] : [{ wave: Number(wave), ...object }]
  })
  return Promise.all(
    waves
      .toSorted((one, other) => one.wave - other.wave)
      .map(async ({ key, modified }) => ({
        verdict: (await readJson<WavePlan>(state, key)).verdict,
        at: modified,
      })),
  )
}
