import { S3Client } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import * as z from 'zod/mini'
import type { EvaluationJob, WavePlan } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { stateKeys } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { readJson, writeJson } from '../shared/objects.ts'
import type { Warmed } from '../shared/records.ts'
import { readBatches, readPlans, type TriedBatch } from '../shared/run-files.ts'
import { addTimings, type Sample } from '../shared/timings.ts'
import { rootsOf } from './roots.ts'

const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }
const REQUESTS = 32

const RecordInput = z.object({
  run: z.string(),
  ending: z.object({ verdict: z.enum(['done', 'stuck', 'unchanged']), reason: z.optional(z.string()) }),
})

/** Record: roots (also when nothing was built), timings, and what the commit was warmed with. */
export const handler = lambda(RecordInput, async ({ run, ending }) => {
  const { target, config, isPartial } = await readJson<EvaluationJob>(state, stateKeys.job(run))
  const plan = await finalPlan()
  const limit = pLimit(REQUESTS)
  const roots = rootsOf(plan, target, run, new Date().toISOString())
  await limit.map(roots, ({ shell, root }) =>
    writeJson(state, stateKeys.root(target.repository, target.ref, shell), root),
  )

  const samples = samplesOf(await readBatches(state, run))
  await addTimings(state, samples)

  // Last: a commit counts as warm only when its roots are complete. One with a shell that did not evaluate is evaluated again when somebody asks: it may
  // have run out of time or memory. A run of other attributes than hearth.yml's says nothing about those.
  if (
    ending.verdict === 'done' &&
    isPartial !== true &&
    plan.shells.every(({ status }) => status === 'warm')
  ) {
    const warmed: Warmed = { version: 1, run, wave: plan.wave, config }
    await writeJson(state, stateKeys.warmed(target.repository, target.commit), warmed)
  }
  logger.info('recorded', { verdict: ending.verdict, roots: roots.length, samples: samples.length })
  return ending

  /** The last plan of this run; where none was needed, of the run that warmed the commit. */
  async function finalPlan(): Promise<WavePlan> {
    const last = (await readPlans(state, run)).at(-1)
    if (last !== undefined) return last
    const warmed = await readJson<Warmed>(state, stateKeys.warmed(target.repository, target.commit))
    return readJson<WavePlan>(state, stateKeys.plan(warmed.run, warmed.wave))
  }
})

function samplesOf(batches: TriedBatch[]): Sample[] {
  return batches.flatMap(({ job, outcome }) =>
    (outcome?.derivations ?? []).flatMap(({ drvPath, seconds }) =>
      seconds === undefined ? [] : [{ drvPath, seconds, system: job.system }],
    ),
  )
}
