import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import pLimit from 'p-limit'
import * as z from 'zod/mini'
import { writeOutcome } from '../shared/batch-outcome.ts'
import { openCacheIndex } from '../shared/cache-index/cache-index.ts'
import { openCaches } from '../shared/caches.ts'
import type {
  BatchId,
  BatchOutcome,
  BuildJob,
  DerivationOutcome,
  MachineId,
  PublishAnswer,
  RunId,
} from '../shared/contract.ts'
import { NOT_STARTED } from '../shared/attempts.ts'
import { HearthError } from '../shared/errors.ts'
import { machineOfBuild, stagingPrefixOfBatch, stateKeys } from '../shared/keys.ts'
import { logger } from '../shared/lambda.ts'
import { lostOutcome } from '../shared/lost-outcome.ts'
import { type Bucket, findJson, readJson } from '../shared/objects.ts'
import { openUpstreamMemory } from '../shared/upstream-memory.ts'
import { lostMessage } from './failed-build.ts'
import { graphOfWave } from './graph-of-wave.ts'
import { type HandProgress, type PublishBounds, publishBatches } from './publish-batch.ts'
import { rememberFailures } from './remember-failures.ts'
import { readSigningKeys } from './signing-keys.ts'

/** What a lane's state machine sends when a machine has answered, or was lost. */
export const BuildInput = z.object({
  mode: z.optional(z.literal('build')),
  run: z.string(),
  /** what the machine has in hand, or had, in the order in which it was given them */
  hand: z.array(z.string()),
  /** whether it still works: what it has said nothing of is left alone */
  isAtWork: z.optional(z.boolean()),
  /** the CodeBuild build that serves the lane */
  build: z.optional(z.string()),
  /** the worker that took the batch, when it was no CodeBuild build */
  machine: z.optional(z.string()),
  /** whether a worker took the batch, or may have: nobody knows which when it is lost */
  isWorker: z.optional(z.boolean()),
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

/** What Publish works with. */
export interface PublishParts {
  secrets: SecretsManagerClient
  secretId: string
  builderRoleId: string
  workerRoleId: string
  state: Bucket
  staging: Bucket
  cache: Bucket
}

/** A batch, and what an earlier call for this very machine has finished. It stands: bytes that it added are counted once, and no NAR is read twice. */
interface OpenBatch {
  job: BuildJob
  before: DerivationOutcome[]
}

/**
 * Verifies, signs and publishes what one machine staged of the batches that it has in hand. It reads only the prefix of the machine that the state machine got
 * back. When its time runs out it leaves what it has, and is called again for the rest.
 * @param remaining milliseconds until this function is killed
 */
export async function publishBuild(
  {
    run,
    hand,
    isAtWork = false,
    build,
    machine: worker,
    isWorker = false,
    failure,
  }: z.output<typeof BuildInput>,
  parts: PublishParts,
  remaining: () => number,
): Promise<PublishAnswer> {
  const { state } = parts
  const machine = machineOf(parts, build, worker)
  const lost = lostMessage(build ?? worker ?? (isWorker ? 'on a worker' : undefined), failure)
  const found = await Promise.all(hand.map((batch) => readOpen(state, run, batch, machine)))
  const open = found.filter(({ job, before }) => before.length < job.derivations.length)
  if (open.length === 0) return { verdict: 'done' }
  const progress: HandProgress =
    machine === undefined
      ? { outcomes: open.map(({ job }) => nothingOf(job, lost, isWorker)), isOutOfTime: false }
      : await publish(open, machine, parts, {
          lost: isAtWork ? undefined : lost,
          mayBegin: () => remaining() > MARGIN_MS,
        })
  for (const [index, { job, before }] of open.entries()) {
    const derivations = progress.outcomes[index] ?? []
    if (derivations.length === before.length) continue
    const told = new Set(before.map(({ drvPath }) => drvPath))
    // before the outcome: what stands there is not looked at again
    await rememberFailures(
      state,
      run,
      derivations.filter(({ drvPath }) => !told.has(drvPath)),
    )
    await writeOutcome(state, job, machine ?? null, derivations, new Date())
  }
  const outcomes = progress.outcomes.flat()
  const counts = Object.groupBy(outcomes, ({ outcome }) => outcome)
  const numbers = Object.entries(counts).map(([name, list]) => [name, list.length] as const)
  const left = open.reduce((sum, { job }) => sum + job.derivations.length, 0) - outcomes.length
  logger.info('published', { batches: open.length, ...Object.fromEntries(numbers), left })
  if (progress.failure !== undefined) throw progress.failure
  return { verdict: progress.isOutOfTime ? 'again' : 'done' }
}

async function readOpen(
  state: Bucket,
  run: RunId,
  batch: BatchId,
  machine: MachineId | undefined,
): Promise<OpenBatch> {
  const job = await readJson<BuildJob>(state, stateKeys.batch(run, batch))
  const found = await findJson<BatchOutcome>(state, stateKeys.outcome(run, batch))
  return { job, before: found !== undefined && found.machine === (machine ?? null) ? found.derivations : [] }
}

async function publish(
  open: OpenBatch[],
  machine: MachineId,
  { state, staging, cache, secrets, secretId }: PublishParts,
  bounds: PublishBounds,
): Promise<HandProgress> {
  const [first] = open
  if (first === undefined) return { outcomes: [], isOutOfTime: false }
  const { run, wave, upstreams } = first.job
  const caches = openCaches(cache, upstreams, openUpstreamMemory(state), openCacheIndex(state, cache))
  const shared = {
    run,
    build: machine,
    graph: await graphOfWave(state, run, wave),
    staging,
    cache,
    state,
    caches,
    keys: await readSigningKeys(secrets, secretId),
    largeNars: pLimit(LARGE_NARS_AT_ONCE),
  }
  const batches = open.map(({ job: { batch, derivations, maxNarSize }, before }) => {
    const prefix = stagingPrefixOfBatch(machine, run, batch)
    return { build: { ...shared, prefix, maxNarSize, verifiedSources: new Map() }, derivations, before }
  })
  const made = await publishBatches(batches, bounds)
  await caches.save()
  return made
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

/** What is said of a batch of which nobody staged anything. @param wasTaken whether a worker may have been at work on it */
function nothingOf({ derivations }: BuildJob, message: string, wasTaken: boolean): DerivationOutcome[] {
  const lost = wasTaken ? lostOutcome(message) : lostOutcome(message, NOT_STARTED)
  return derivations.map(({ drvPath }) => ({ drvPath, ...lost }))
}
