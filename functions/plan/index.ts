import { S3Client } from '@aws-sdk/client-s3'
import * as z from 'zod/mini'
import type { StorePath } from '../../nix/store-path.ts'
import { type Caches, openCaches } from '../shared/caches.ts'
import type { StoredConfig } from '../shared/config.ts'
import type { BatchDerivation, BuildJob, EvaluationJob, Graph, WavePlan } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { readGraph } from '../shared/graph.ts'
import { publicKeysOf } from '../shared/key-lifetime.ts'
import { stateKeys } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { findJson, readJson, writeJson } from '../shared/objects.ts'
import type { SigningKeys } from '../shared/records.ts'
import { readBatches, readPlans } from '../shared/run-files.ts'
import { openUpstreamMemory } from '../shared/upstream-memory.ts'
import { failuresOf } from './attempts.ts'
import { builderCapabilities } from './builders.ts'
import { decide } from './decide.ts'
import { takeOverEvaluation } from './take-over.ts'

const s3 = new S3Client({})
const state = { s3, name: requireEnvironment('STATE_BUCKET') }
const staging = { s3, name: requireEnvironment('STAGING_BUCKET') }
const cache = { s3, name: requireEnvironment('CACHE_BUCKET') }

/** The graph of a target of which no shell evaluates. */
const NOTHING: Graph = { version: 1, derivations: {}, sources: {} }

const PlanInput = z.object({ run: z.string(), evaluation: z.string(), wave: z.number() })

/** Plan: decides what to build next. The caches are the state: every wave looks again. */
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
  const memory = openUpstreamMemory(state)
  const caches = openCaches(cache, config.upstreams, memory)
  const tried = await readBatches(state, await readPlans(state, run, wave - 1))
  const decision = await decide(graph, evaluation.shells, failuresOf(tried), builderCapabilities, (paths) =>
    whichAreHeld(caches, paths),
  )
  await memory.save()

  const ours = publicKeysOf(await findJson<SigningKeys>(state, stateKeys.signingKeys))
  const publicKeys = [...new Set([...config.cache.publicKeys, ...ours])]
  const batches = await Promise.all(
    [...decision.batches].map(async ([system, derivations]) => {
      const key = stateKeys.batch(run, wave, system)
      await writeJson(state, key, buildJob(system, derivations))
      return { system, job: key, derivations: derivations.length }
    }),
  )
  const plan: WavePlan = {
    version: 1,
    run,
    wave,
    verdict: decision.verdict,
    target: job.target,
    config: job.config,
    shells: decision.shells,
    batches,
    derivations: { graph: Object.keys(graph.derivations).length, missing: decision.missing },
  }
  await writeJson(state, stateKeys.plan(run, wave), plan)
  logger.info('planned', { wave, verdict: plan.verdict, ...plan.derivations, batches })
  return { verdict: plan.verdict, wave, batches: batches.map(({ system, job }) => ({ wave, system, job })) }

  function buildJob(system: string, derivations: BatchDerivation[]): BuildJob {
    return {
      kind: 'build',
      run,
      batch: `${wave}-${system}`,
      wave,
      system,
      archive: { key: stateKeys.archive(run), sha256: evaluation.archive?.sha256 ?? '' },
      derivations,
      upstreams: config.upstreams,
      publicKeys,
      maxNarSize: config.limits.nar.gigabytes * 1e9,
    }
  }
})

async function whichAreHeld(caches: Caches, paths: StorePath[]): Promise<Set<StorePath>> {
  const held = await Promise.all(
    paths.map(async (path) => ((await caches.find(path)) === undefined ? [] : [path])),
  )
  return new Set(held.flat())
}
