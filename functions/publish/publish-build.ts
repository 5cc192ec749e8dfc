import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import pLimit from 'p-limit'
import * as z from 'zod/mini'
import { openCacheIndex } from '../shared/cache-index/cache-index.ts'
import { openCaches } from '../shared/caches.ts'
import type { BatchOutcome, BuildId, BuildJob, DerivationOutcome, PublishAnswer } from '../shared/contract.ts'
import { readGraph } from '../shared/graph.ts'
import { stagingPrefixOfBuild, stateKeys } from '../shared/keys.ts'
import { logger } from '../shared/lambda.ts'
import { type Bucket, findJson, readJson, writeJson } from '../shared/objects.ts'
import { openUpstreamMemory } from '../shared/upstream-memory.ts'
import { buildOfFailure, lostMessage } from './failed-build.ts'
import { type BatchProgress, publishBatch } from './publish-batch.ts'
import { readSigningKeys } from './signing-keys.ts'

/** What the `warm` state machine sends when a build has ended. */
export const BuildInput = z.object({
  mode: z.optional(z.literal('build')),
  run: z.string(),
  batch: z.object({ wave: z.number(), system: z.string(), job: z.string() }),
  build: z.optional(z.string()),
  failure: z.optional(z.object({ Error: z.optional(z.string()), Cause: z.optional(z.string()) })),
})

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
  { run, batch: { wave, system, job: jobKey }, build, failure }: z.output<typeof BuildInput>,
  parts: {
    secrets: SecretsManagerClient
    secretId: string
    builderRoleId: string
    state: Bucket
    staging: Bucket
    cache: Bucket
  },
  remaining: () => number,
): Promise<PublishAnswer> {
  const { state } = parts
  const { derivations, upstreams, maxNarSize } = await readJson<BuildJob>(state, jobKey)
  const buildId = build ?? buildOfFailure(failure) ?? null
  const lost = lostMessage(buildId ?? undefined, failure)
  const outcomeKey = stateKeys.outcome(run, wave, system)
  const before = await finishedBefore()
  const progress = await publishRest()
  const outcome: BatchOutcome = {
    version: 1,
    run,
    wave,
    system,
    buildId,
    derivations: progress.outcomes,
  }
  await writeJson(state, outcomeKey, outcome)
  const counts = Object.groupBy(progress.outcomes, ({ outcome }) => outcome)
  const numbers = Object.entries(counts).map(([name, list]) => [name, list.length] as const)
  logger.info('published', { ...Object.fromEntries(numbers), left: progress.left })
  if (progress.failure !== undefined) throw progress.failure
  return { verdict: progress.left > 0 ? 'again' : 'done' }

  /** What an earlier call for this very build has finished. It stands: bytes that it added are counted once, and no NAR is read twice. */
  async function finishedBefore(): Promise<DerivationOutcome[]> {
    const found = await findJson<BatchOutcome>(state, outcomeKey)
    return found?.buildId === buildId ? found.derivations : []
  }

  async function publishRest(): Promise<BatchProgress> {
    if (before.length === derivations.length) return { outcomes: before, left: 0 }
    if (buildId === null)
      return { outcomes: derivations.map(({ drvPath }) => neverStarted(drvPath, lost)), left: 0 }
    return publish(buildId)
  }

  async function publish(of: BuildId): Promise<BatchProgress> {
    const { staging, cache, secrets, secretId, builderRoleId } = parts
    const caches = openCaches(cache, upstreams, openUpstreamMemory(state), openCacheIndex(state, cache))
    const publication = {
      run,
      build: of,
      prefix: stagingPrefixOfBuild(builderRoleId, of),
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

function neverStarted(drvPath: DerivationOutcome['drvPath'], message: string): DerivationOutcome {
  return { drvPath, outcome: 'lost', error: { name: 'BuilderLost', message, retryable: true } }
}
