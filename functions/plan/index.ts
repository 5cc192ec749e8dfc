import { S3Client } from '@aws-sdk/client-s3'
import * as z from 'zod/mini'
import type { StorePath } from '../../nix/store-path.ts'
import { failuresOf } from '../shared/attempts.ts'
import { type Caches, openCaches } from '../shared/caches.ts'
import type { StoredConfig } from '../shared/config.ts'
import type { EvaluationJob, Graph, Lane, ScheduledMachines, System, WavePlan } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { derivationOf, readGraph } from '../shared/graph.ts'
import { publicKeysOf } from '../shared/key-lifetime.ts'
import { stateKeys } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { supersededBy } from '../shared/newest-run.ts'
import { findJson, readJson, writeJson } from '../shared/objects.ts'
import type { SigningKeys } from '../shared/records.ts'
import { readBatches } from '../shared/run-files.ts'
import { writeSchedule } from '../shared/schedule-file.ts'
import { readTimings } from '../shared/timings.ts'
import { openUpstreamMemory } from '../shared/upstream-memory.ts'
import { capabilitiesOf, machinesFor } from './builders.ts'
import { decide, type Decision } from './decide.ts'
import { expectedSeconds } from './expected-seconds.ts'
import { rememberedFailures, systemsGivenUp } from './known-obstacles.ts'
import { longestPaths } from './longest-paths.ts'
import { takeOverEvaluation } from './take-over.ts'

const s3 = new S3Client({})
const state = { s3, name: requireEnvironment('STATE_BUCKET') }
const staging = { s3, name: requireEnvironment('STAGING_BUCKET') }
const cache = { s3, name: requireEnvironment('CACHE_BUCKET') }

/** The graph of a target of which no shell evaluates. */
const NOTHING: Graph = { version: 1, derivations: {}, sources: {} }

const PlanInput = z.object({ run: z.string(), evaluation: z.string(), wave: z.number() })

/** Plan: decides what is to be built. The caches are the state: every wave looks again. */
export const handler = lambda(PlanInput, async ({ run, evaluation: build, wave }) => {
  const job = await readJson<EvaluationJob>(state, stateKeys.job(run))
  const { config } = await readJson<StoredConfig>(state, stateKeys.config(job.config))
  const evaluation = await takeOverEvaluation(
    state,
    staging,
    requireEnvironment('EVALUATOR_ROLE_ID'),
    run,
    build,
  )
  const graph = evaluation.archive === undefined ? NOTHING : await readGraph(state, run)
  const decision = await look()
  const machines = machinesFor(decision.schedule, config)
  const verdict = (await supersededBy(state, job.target, run)) ? 'superseded' : decision.verdict
  if (verdict === 'build') await schedule(machines)
  const plan: WavePlan = {
    version: 1,
    run,
    wave,
    verdict,
    target: job.target,
    config: job.config,
    shells: decision.shells,
    lanes: verdict === 'build' ? lanesOf(machines) : [],
    derivations: {
      graph: Object.keys(graph.derivations).length,
      missing: decision.missing,
      scheduled: decision.schedule.length,
    },
  }
  await writeJson(state, stateKeys.plan(run, wave), plan)
  logger.info('planned', { wave, verdict, ...plan.derivations, machines })
  return { verdict, wave, lanes: plan.lanes.map((lane) => ({ wave, ...lane })) }

  async function look(): Promise<Decision> {
    const memory = openUpstreamMemory(state)
    const caches = openCaches(cache, config.upstreams, memory)
    const remembered = job.retryFailed === true ? [] : await rememberedFailures(state, graph)
    const failures = new Map([...remembered, ...failuresOf(await readBatches(state, run))])
    const timings = await readTimings(state)
    const decided = await decide(
      graph,
      evaluation.shells,
      failures,
      new Map([...capabilitiesOf(config), ...(await systemsGivenUp(state, run))]),
      (paths) => whichAreHeld(caches, paths),
      (drvPath) => expectedSeconds(timings(drvPath), { drvPath, ...derivationOf(graph, drvPath, drvPath) }),
    )
    await memory.save()
    return decided
  }

  async function schedule(machines: Record<System, ScheduledMachines>): Promise<void> {
    const ours = publicKeysOf(await findJson<SigningKeys>(state, stateKeys.signingKeys))
    const paths = longestPaths(decision.schedule)
    await writeSchedule(state, {
      version: 1,
      run,
      wave,
      target: job.target,
      derivations: decision.schedule.map((derivation, at) => ({ ...derivation, path: paths[at] ?? 0 })),
      machines,
      job: {
        archive: { key: stateKeys.archive(run), sha256: evaluation.archive?.sha256 ?? '' },
        upstreams: config.upstreams,
        publicKeys: [...new Set([...config.cache.publicKeys, ...ours])],
        maxNarSize: config.limits.nar.gigabytes * 1e9,
      },
    })
  }
})

function lanesOf(machines: Record<System, ScheduledMachines>): Lane[] {
  return Object.entries(machines).flatMap(([system, { lanes }]) =>
    Array.from({ length: lanes }, (_, index) => ({ system, slot: index + 1 })),
  )
}

async function whichAreHeld(caches: Caches, paths: StorePath[]): Promise<Set<StorePath>> {
  const held = await Promise.all(
    paths.map(async (path) => ((await caches.find(path)) === undefined ? [] : [path])),
  )
  return new Set(held.flat())
}
