import { S3Client } from '@aws-sdk/client-s3'
import * as z from 'zod/mini'
import { openCacheIndex } from '../shared/cache-index/cache-index.ts'
import { type OpenCaches, openCaches } from '../shared/caches.ts'
import type { StoredConfig } from '../shared/config.ts'
import type {
  BuildId,
  Evaluation,
  EvaluationJob,
  Graph,
  Lane,
  ScheduledMachines,
  System,
  WavePlan,
} from '../shared/contract.ts'
import { headDirectly } from '../shared/direct-heads.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { readGraph } from '../shared/graph.ts'
import { stateKeys } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { supersededBy } from '../shared/newest-run.ts'
import { readJson, writeJson } from '../shared/objects.ts'
import { writeSchedule } from '../shared/schedule-file.ts'
import { openUpstreamMemory } from '../shared/upstream-memory.ts'
import { whyUnchanged } from '../shared/why-unchanged.ts'
import { machinesFor } from './builders.ts'
import { decideRound } from './decide-round.ts'
import { inputsStand } from './flake-inputs.ts'
import { readKnowledge } from './knowledge.ts'
import { rememberEvaluation, reuseEvaluation } from './reuse-evaluation.ts'
import { takeOverEvaluation } from './take-over.ts'
import { waveSchedule } from './wave-schedule.ts'

const s3 = headDirectly(new S3Client({ cacheMiddleware: true }))
const state = { s3, name: requireEnvironment('STATE_BUCKET') }
const staging = { s3, name: requireEnvironment('STAGING_BUCKET') }
const cache = { s3, name: requireEnvironment('CACHE_BUCKET') }

/** The graph of a target of which no shell evaluates. */
const NOTHING: Graph = { version: 1, derivations: {}, sources: {} }

const PlanInput = z.object({
  run: z.string(),
  /** the evaluator's build; without one, an earlier run has evaluated the same */
  evaluation: z.object({ build: z.optional(z.string()) }),
  wave: z.number(),
})

/** What one look at the caches gave. */
type Seen = Pick<WavePlan, 'verdict' | 'shells' | 'lanes' | 'derivations'>

/** The evaluation that was to be used again is gone. */
const NOT_EVALUATED: Seen = {
  verdict: 'evaluate',
  shells: [],
  lanes: [],
  derivations: { graph: 0, missing: 0, scheduled: 0 },
}

/** Plan: decides what is to be built. The caches are the state: every wave looks again. */
export const handler = lambda(PlanInput, async ({ run, evaluation: { build }, wave }) => {
  const index = openCacheIndex(state, cache)
  // it is read while everything else is
  index.open()
  const job = await readJson<EvaluationJob>(state, stateKeys.job(run))
  const caches = openCaches(cache, job.upstreams ?? [], openUpstreamMemory(state), index)
  const evaluation =
    build === undefined
      ? await reuseEvaluation(state, job, async (paths) => caches.whichAreHeld(paths))
      : await takeOver(job, build)
  const seen = evaluation === undefined ? NOT_EVALUATED : await look(job, evaluation, wave, caches)
  const plan: WavePlan = { version: 1, run, wave, target: job.target, config: job.config, ...seen }
  await writeJson(state, stateKeys.plan(run, wave), plan)
  const lanes = plan.lanes.map((lane) => ({ wave, ...lane }))
  // a later wave has done something
  if (wave === 1 && plan.verdict === 'done' && job.warmedBy !== undefined)
    return { verdict: 'unchanged', reason: whyUnchanged(job.target, job.warmedBy), wave, lanes }
  return { verdict: plan.verdict, wave, lanes }
})

function takeOver(job: EvaluationJob, build: BuildId): Promise<Evaluation> {
  return takeOverEvaluation(
    state,
    staging,
    requireEnvironment('EVALUATOR_ROLE_ID'),
    job.run,
    build,
    async (evaluation) => rememberEvaluation(state, job, evaluation),
  )
}

async function look(
  job: EvaluationJob,
  evaluation: Evaluation,
  wave: number,
  caches: OpenCaches,
): Promise<Seen> {
  const [{ config }, graph] = await Promise.all([
    readJson<StoredConfig>(state, stateKeys.config(job.config)),
    evaluation.archive === undefined ? NOTHING : readGraph(state, job.run),
  ])
  const knowledge = await readKnowledge(state, job, config, graph, hasFleet())
  const decision = await decideRound(graph, evaluation, knowledge, async (paths) =>
    caches.whichAreHeld(paths),
  )
  const inputs = await inputsStand(state, job, evaluation, async (paths) => caches.whichAreHeld(paths))
  await caches.save()
  const isSuperseded = (await supersededBy(state, job)) !== undefined
  const verdict = isSuperseded ? 'superseded' : inputs.areToBePublished ? 'inputs' : decision.verdict
  const machines = machinesFor(decision.schedule, config)
  if (verdict === 'build')
    await writeSchedule(
      state,
      await waveSchedule(state, { job, wave, config, evaluation, decision, machines }),
    )
  const derivations = {
    graph: Object.keys(graph.derivations).length,
    missing: decision.missing,
    scheduled: decision.schedule.length,
  }
  logger.info('planned', { wave, verdict, ...derivations, machines, requests: caches.requests() })
  return {
    verdict,
    shells: [...decision.shells, ...inputs.shells],
    lanes: verdict === 'build' ? lanesOf(machines) : [],
    derivations,
  }
}

/** Whether this deployment has a fleet of Macs: what names it is empty otherwise. */
function hasFleet(): boolean {
  return (process.env['APPLE_SILICON_FLEET_ARN'] ?? '') !== ''
}

function lanesOf(machines: Record<System, ScheduledMachines>): Lane[] {
  return Object.entries(machines).flatMap(([system, { lanes }]) =>
    Array.from({ length: lanes }, (_, index) => ({ system, slot: index + 1 })),
  )
}
