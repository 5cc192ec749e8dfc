import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import pLimit from 'p-limit'
import * as z from 'zod/mini'
import { openCacheIndex } from '../shared/cache-index/cache-index.ts'
import { openCaches } from '../shared/caches.ts'
import type {
  BatchOutcome,
  BuildJob,
  DerivationOutcome,
  MachineId,
  PublishAnswer,
} from '../shared/contract.ts'
import { NOT_STARTED } from '../shared/attempts.ts'
import { HearthError } from '../shared/errors.ts'
import { readGraph } from '../shared/graph.ts'
import { machineOfBuild, stagingPrefixOfBatch, stateKeys } from '../shared/keys.ts'
import { logger } from '../shared/lambda.ts'
import { type Bucket, findJson, readJson, writeJson } from '../shared/objects.ts'
import { openUpstreamMemory } from '../shared/upstream-memory.ts'
import { lostMessage } from './failed-build.ts'
import { type BatchProgress, publishBatch } from './publish-batch.ts'
import { rememberFailures } from './remember-failures.ts'
import { readSigningKeys } from './signing-keys.ts'

/** What the `warm` state machine sends when a build has ended. */
export const BuildInput = z.object({
  mode: z.optional(z.literal('build')),
  run: z.string(),
  batch: z.object({ batch: z.string(), job: z.string() }),
  /** the CodeBuild build that served the lane */
  build: z.optional(z.string()),
  /** the worker that took the batch, when it was no CodeBuild build */
  machine: z.optional(z.string()),
  failure: z.optional(z.object({ Error: z.optional(z.string()), Cause: z.optional(z.string()) })),
})

/** A batch is said to be built by somebody who is no worker of this deployment. */
export class UnknownWorker extends HearthError {
  override name = 'UnknownWorker'
}

// 5 minutes: what was begun before has that long to end, which is some 60 GB of NARs at the 200 MB/s that one core reads.
const MARGIN_MS = 5 * 60 * 1000
// 4 large NARs are unpacked at once: one keeps a core busy, the others wait for S3; each takes some 20 MiB.
const LARGE_NARS_AT_ONCE = 4

/**
 * Verifies, signs and publishes what one build staged. It reads only the prefix of the build that the state machine got back. When its time
 * runs out it leaves what it has, and is called again for the rest.
 * @param remaining milliseconds until this function is killed
 */
export async function publishBuild(
  { run, batch: { batch, job: jobKey }, build, machine: worker, failure }: z.output<typeof BuildInput>,
  parts: {
    secrets: SecretsManagerClient
    secretId: string
    builderRoleId: string
    workerRoleId: string
    state: Bucket
    staging: Bucket
    cache: Bucket
  },
  remaining: () => number,
): Promise<PublishAnswer> {
  const { state } = parts
  const { wave, system, derivations, upstreams, maxNarSize } = await readJson<BuildJob>(state, jobKey)
  const machine = machineOf(parts, build, worker) ?? null
  const lost = lostMessage(build ?? worker, failure)
  const outcomeKey = stateKeys.outcome(run, batch)
  const before = await finishedBefore()
  const progress = await publishRest()
  const outcome: BatchOutcome = {
    version: 1,
    run,
    wave,
    batch,
    system,
    machine,
    derivations: progress.outcomes,
  }
  await writeJson(state, outcomeKey, outcome)
  await rememberFailures(state, run, progress.outcomes)
  const counts = Object.groupBy(progress.outcomes, ({ outcome }) => outcome)
  const numbers = Object.entries(counts).map(([name, list]) => [name, list.length] as const)
  logger.info('published', { ...Object.fromEntries(numbers), left: progress.left })
  if (progress.failure !== undefined) throw progress.failure
  return { verdict: progress.left > 0 ? 'again' : 'done' }

  /** What an earlier call for this very build has finished. It stands: bytes that it added are counted once, and no NAR is read twice. */
  async function finishedBefore(): Promise<DerivationOutcome[]> {
    const found = await findJson<BatchOutcome>(state, outcomeKey)
    return found?.machine === machine ? found.derivations : []
  }

  async function publishRest(): Promise<BatchProgress> {
    if (before.length === derivations.length) return { outcomes: before, left: 0 }
    if (machine === null)
      return { outcomes: derivations.map(({ drvPath }) => neverStarted(drvPath, lost)), left: 0 }
    return publish(machine)
  }

  async function publish(of: MachineId): Promise<BatchProgress> {
    const { staging, cache, secrets, secretId } = parts
    const caches = openCaches(cache, upstreams, openUpstreamMemory(state), openCacheIndex(state, cache))
    const publication = {
      run,
      build: of,
      prefix: stagingPrefixOfBatch(of, run, batch),
      graph: await readGraph(state, run),
      staging,
      cache,
      state,
      caches,
      keys: await readSigningKeys(secrets, secretId),
      maxNarSize,
      largeNars: pLimit(LARGE_NARS_AT_ONCE),
      verifiedSources: new Map(),
    }
    const mayBegin = (): boolean => remaining() > MARGIN_MS
    const made = await publishBatch(publication, derivations, lost, { before, mayBegin })
    await caches.save()
    return made
  }
}

/**
 * Who built the batch. A CodeBuild build is who the state machine started; a worker says who it is, and must be one: whoever it names, the bytes below that prefix are
 * that one's own.
 * @throws UnknownWorker
 */
function machineOf(
  { builderRoleId, workerRoleId }: { builderRoleId: string; workerRoleId: string },
  build: string | undefined,
  worker: string | undefined,
): MachineId | undefined {
  if (build !== undefined) return machineOfBuild(builderRoleId, build)
  if (worker !== undefined && !worker.startsWith(`${workerRoleId}:`))
    throw new UnknownWorker(`${worker} says that it built the batch, and has not the workers' role`)
  return worker
}

function neverStarted(drvPath: DerivationOutcome['drvPath'], message: string): DerivationOutcome {
  return { drvPath, outcome: 'lost', error: { name: NOT_STARTED, message, retryable: true } }
}
