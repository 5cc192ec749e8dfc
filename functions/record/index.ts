import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { S3Client } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import * as z from 'zod/mini'
import type { EvaluationJob, WavePlan } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { addHits } from '../shared/hits.ts'
import { stateKeys } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { readJson, writeJson } from '../shared/objects.ts'
import type { Warmed } from '../shared/records.ts'
import { readBatches, readPlans, type TriedBatch } from '../shared/run-files.ts'
import { addTimings, type Sample } from '../shared/timings.ts'
import { findDownloads } from './find-downloads.ts'
import { rootsOf } from './roots.ts'

const s3 = new S3Client({})
const state = { s3, name: requireEnvironment('STATE_BUCKET') }
const cache = { s3, name: requireEnvironment('CACHE_BUCKET') }
const metrics = new Metrics()
const REQUESTS = 32
// 120 s: 5,000 paths take a quarter of that, and what is begun then ends within a minute (three tries of 20 s). A run is not held up for longer by a number.
const ASKING_MS = 120_000

const RecordInput = z.object({
  run: z.string(),
  ending: z.object({ verdict: z.enum(['done', 'stuck', 'unchanged']), reason: z.optional(z.string()) }),
})

/** Record: roots (also when nothing was built), timings, what the commit was warmed with, and what a new laptop downloads. */
export const handler = lambda(RecordInput, async ({ run, ending }, context) => {
  const timeIsUp = Date.now() + Math.min(ASKING_MS, context.getRemainingTimeInMillis() / 2)
  const job = await readJson<EvaluationJob>(state, stateKeys.job(run))
  const { target, config, isPartial } = job
  const plans = await readPlans(state, run)
  const plan = await finalPlan()
  const limit = pLimit(REQUESTS)
  const roots = rootsOf(plan, target, run, new Date().toISOString())
  await limit.map(roots, ({ shell, root }) =>
    writeJson(state, stateKeys.root(target.repository, target.ref, shell), root),
  )

  const batches = await readBatches(state, run)
  const samples = samplesOf(batches)
  await addTimings(state, samples)

  // After the roots: a commit counts as warm only when its roots are complete. One with a shell that did not evaluate is evaluated again when somebody asks: it may
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
  await recordDownloads()
  return ending

  /** Numbers for people: what is unknown of them is said, and keeps nobody from going on. */
  async function recordDownloads(): Promise<void> {
    const { upstreams = [], started = new Date().toISOString() } = job
    const { downloads, unknown, requests } = await findDownloads(
      state,
      cache,
      { run, plans, last: plan, batches, upstreams, began: Date.parse(started) },
      (message) => logger.warn(message),
      () => Date.now() >= timeIsUp,
    )
    await writeJson(state, stateKeys.downloads(run), downloads)
    logger.info('downloads', { shells: downloads.shells.length, unknown, requests })
    metrics.addMetric('DownloadsUnknown', MetricUnit.Count, unknown)
    // A commit that was warmed before asked nothing of any cache: it would only make the sums look better.
    if (ending.verdict !== 'unchanged') {
      const { repository } = target
      const day = started.slice(0, 10)
      if (!(await addHits(state, { repository, day, run }, downloads.shells))) {
        logger.warn(`others wrote the hits of ${repository} all the time: this run is not in them`)
        metrics.addMetric('HitsLost', MetricUnit.Count, 1)
      }
    }
    metrics.publishStoredMetrics()
  }

  /** The last plan of this run; where none was needed, of the run that warmed the commit. */
  async function finalPlan(): Promise<WavePlan> {
    const last = plans.at(-1)
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
