import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import pLimit from 'p-limit'
import * as z from 'zod/mini'
import type { StorePath } from '../../nix/store-path.ts'
import { openCacheIndex } from '../shared/cache-index/cache-index.ts'
import { openCaches } from '../shared/caches.ts'
import type { StoredConfig } from '../shared/config.ts'
import type { Evaluation, EvaluationJob, PublishAnswer } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import { readGraph } from '../shared/graph.ts'
import { stagedKeys, stagingPrefixOfBuild, stateKeys } from '../shared/keys.ts'
import { logger } from '../shared/lambda.ts'
import { type Bucket, readJson, writeJson } from '../shared/objects.ts'
import type { PublishedInputs } from '../shared/records.ts'
import { openUpstreamMemory } from '../shared/upstream-memory.ts'
import { boundedText } from './bounded-words.ts'
import { copyNar, signNarInfo, writeNarInfo } from './make-visible.ts'
import { openParcels } from './parcels.ts'
import type { Publication } from './publication.ts'
import { InputNotStaged, StagedResultInvalid } from './refusals.ts'
import { readSigningKeys } from './signing-keys.ts'
import { findStagedNarInfo } from './staged-result.ts'
import { verifySources } from './verify-source.ts'

/** What the `warm` state machine sends when an evaluator has staged the sources of a flake's inputs. */
export const InputsInput = z.object({ mode: z.literal('inputs'), run: z.string() })

/** Nobody has asked for a flake's inputs: they may be private. */
export class InputsNotWanted extends HearthError {
  override name = 'InputsNotWanted'
}

/**
 * Publishes the sources of a flake's inputs: each only when Plan has proved it by its content address, and the staged bytes are those. What is wrong with one is written
 * down for Plan, and stops no other.
 * @throws InputsNotWanted when hearth.yml does not ask for them
 */
export async function publishInputs(
  { run }: z.output<typeof InputsInput>,
  parts: {
    secrets: SecretsManagerClient
    secretId: string
    evaluatorRoleId: string
    state: Bucket
    staging: Bucket
    cache: Bucket
  },
): Promise<PublishAnswer> {
  const { state, staging, cache } = parts
  const job = await readJson<EvaluationJob>(state, stateKeys.job(run))
  const { round, flakeInputs = [] } = await readJson<Evaluation>(state, stateKeys.evaluation(run))
  if (job.flakeInputs !== true || round === undefined)
    throw new InputsNotWanted(
      `the inputs of ${job.target.repository} are not to be published: flakeInputs of hearth.yml is not set for it`,
    )
  const { config } = await readJson<StoredConfig>(state, stateKeys.config(job.config))
  const prefix = stagedKeys.inputs(stagingPrefixOfBuild(parts.evaluatorRoleId, round.build))
  const caches = openCaches(cache, config.upstreams, openUpstreamMemory(state), openCacheIndex(state, cache))
  const publication: Publication = {
    run,
    build: round.build,
    prefix,
    parcels: await openParcels(staging, prefix),
    graph: await readGraph(state, run),
    staging,
    cache,
    state,
    caches,
    keys: await readSigningKeys(parts.secrets, parts.secretId),
    maxNarSize: config.limits.nar.gigabytes * 1e9,
    // one after the other
    largeNars: pLimit(1),
    verifiedSources: new Map(),
  }
  const refused = await publishSources(publication, flakeInputs)
  await caches.save()
  const record: PublishedInputs = { version: 1, build: round.build, refused }
  await writeJson(state, stateKeys.inputs(run), record)
  logger.info('published inputs', { inputs: flakeInputs.length, refused: Object.keys(refused).length })
  return { verdict: 'done' }
}

/**
 * Publishes sources that the evaluation's archive has proved, of which a build staged what no cache has.
 * @returns why some of them are not published: what is wrong with one is no other's matter
 */
export async function publishSources(
  publication: Publication,
  paths: StorePath[],
): Promise<Record<StorePath, string>> {
  const refused: Record<StorePath, string> = {}
  for (const path of paths) {
    const error = await publishSource(publication, path)
    if (error !== undefined) refused[path] = boundedText(error.message)
  }
  return refused
}

async function publishSource(publication: Publication, path: StorePath): Promise<HearthError | undefined> {
  try {
    await show(publication, path)
    return undefined
  } catch (error) {
    if (error instanceof HearthError && error.name !== 'UpstreamUnavailable') return error
    throw error
  }
}

/**
 * Makes a source visible, with whatever it refers to: all NARs before the first narinfo, and narinfos references first. There is no record of which bytes stand: a source has
 * only those that its path names. So whoever dies here has begun nothing that another could not begin again.
 */
async function show(publication: Publication, path: StorePath): Promise<void> {
  const { caches, cache, keys, prefix } = publication
  if ((await caches.find(path)) !== undefined) return
  if ((await findStagedNarInfo(publication, path)) === undefined) throw new InputNotStaged(path)
  const verified = await verifySources(publication, new Map([[path, path]]))
  for (const source of verified) {
    const copied = await copyNar(publication, prefix, source)
    if (copied !== 'copied')
      throw new StagedResultInvalid(`the staged NAR of ${source.storePath} ${copied} since it was verified`)
  }
  for (const source of verified) {
    const narinfo = signNarInfo(source, undefined, keys)
    await writeNarInfo(cache, narinfo)
    caches.add(narinfo)
  }
}
