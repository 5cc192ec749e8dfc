import { S3Client } from '@aws-sdk/client-s3'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod/mini'
import { openCaches } from '../shared/caches.ts'
import type { BatchOutcome, BuildJob, DerivationOutcome } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { readGraph } from '../shared/graph.ts'
import { stagingPrefixOfBuild, stateKeys } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { readJson, writeJson } from '../shared/objects.ts'
import { buildOfFailure, lostMessage } from './failed-build.ts'
import { KeysInput, runKeyChange } from './keys/run-key-change.ts'
import { publishBatch } from './publish-batch.ts'
import { RepairInput } from './repair/repair.ts'
import { runRepair } from './repair/run-repair.ts'
import { readSigningKeys } from './signing-keys.ts'

const s3 = new S3Client({})
const secrets = new SecretsManagerClient({})
const state = { s3, name: requireEnvironment('STATE_BUCKET') }
const staging = { s3, name: requireEnvironment('STAGING_BUCKET') }
const cache = { s3, name: requireEnvironment('CACHE_BUCKET') }

const BuildInput = z.object({
  mode: z.optional(z.literal('build')),
  run: z.string(),
  batch: z.object({ wave: z.number(), system: z.string(), job: z.string() }),
  build: z.optional(z.string()),
  failure: z.optional(z.object({ Error: z.optional(z.string()), Cause: z.optional(z.string()) })),
})

const PublishInput = z.discriminatedUnion('mode', [BuildInput, KeysInput, RepairInput])

/** Publish, the only one that ever holds a signing key: publishes what a build staged, changes the keys and re-signs what is published, or takes what is broken out of sight. */
export const handler = lambda(PublishInput, async (input) => {
  if (input.mode !== 'keys' && input.mode !== 'repair') return publishBuild(input)
  const parts = { secrets, secretId: requireEnvironment('SIGNING_KEY'), state, cache }
  if (input.mode === 'repair') return runRepair(input, parts)
  return runKeyChange(input, { ...parts, deployment: requireEnvironment('DEPLOYMENT') })
})

/** Verifies, signs and publishes what one build staged. It reads only the prefix of the build that the state machine got back. */
async function publishBuild({
  run,
  batch: { wave, system, job: key },
  build,
  failure,
}: z.output<typeof BuildInput>) {
  const job = await readJson<BuildJob>(state, key)
  const buildId = build ?? buildOfFailure(failure)
  const lost = lostMessage(buildId, failure)
  const derivations =
    buildId === undefined
      ? job.derivations.map(({ drvPath }) => neverStarted(drvPath, lost))
      : await publish(buildId)
  const outcome: BatchOutcome = { version: 1, run, wave, system, buildId: buildId ?? null, derivations }
  await writeJson(state, stateKeys.outcome(run, wave, system), outcome)
  const counts = Object.groupBy(derivations, ({ outcome }) => outcome)
  logger.info(
    'published',
    Object.fromEntries(Object.entries(counts).map(([name, list]) => [name, list.length])),
  )
  return {}

  async function publish(of: string): Promise<DerivationOutcome[]> {
    const publication = {
      run,
      build: of,
      prefix: stagingPrefixOfBuild(requireEnvironment('BUILDER_ROLE_ID'), of),
      graph: await readGraph(state, run),
      staging,
      cache,
      state,
      caches: openCaches(cache, job.upstreams),
      keys: await readSigningKeys(secrets, requireEnvironment('SIGNING_KEY')),
    }
    return publishBatch(publication, job.derivations, lost)
  }
}

function neverStarted(drvPath: DerivationOutcome['drvPath'], message: string): DerivationOutcome {
  return { drvPath, outcome: 'lost', error: { name: 'BuilderLost', message, retryable: true } }
}
