import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import * as z from 'zod/mini'
import { currentConfig, type StoredConfig } from '../shared/config.ts'
import type { EvaluationJob, RunInput } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { deployedEvaluator, evaluationIdentity } from '../shared/evaluation-identity.ts'
import type { GitHubClient } from '../shared/github/client.ts'
import { headOf } from '../shared/github/head-of.ts'
import { isShown } from '../shared/github/is-shown.ts'
import { tokenSource } from '../shared/github/token-source.ts'
import { voiceFor } from '../shared/github/voice.ts'
import { publicKeysOf } from '../shared/key-lifetime.ts'
import { stateKeys } from '../shared/keys.ts'
import { lambda } from '../shared/lambda.ts'
import { whyUnchanged } from '../shared/why-unchanged.ts'
import { noteRun } from '../shared/newest-run.ts'
import { NotConfigured } from '../shared/not-configured.ts'
import { findJson, writeJson } from '../shared/objects.ts'
import type { KnownEvaluation, SigningKeys, Warmed } from '../shared/records.ts'
import { noteDeletion } from './deleted-ref.ts'
import { attributesFor, configurationFor, RefNotFound, repositoryFor, RepositoryNotShown } from './refusal.ts'
import { parseRunInput } from './run-input.ts'

const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }
const tokens = tokenSource(new LambdaClient({}), requireEnvironment('TOKEN_FUNCTION'))

const ResolveInput = z.object({
  run: z.string(),
  /** when the execution was started, ISO 8601 */
  started: z.string(),
  input: z.unknown(),
})

/**
 * Resolve: ref to commit; which attributes, systems and upstreams. What is not configured is refused. A commit that was evaluated before is planned, whether or not
 * it is warm: caches may have lost something since. One that is warm, and would have to be evaluated for that, goes straight on.
 */
export const handler = lambda(ResolveInput, async ({ run, started, input }) => {
  const request = parseRunInput(input)
  const stored = await currentConfig(state)
  try {
    if (request.trigger === 'delete') {
      const configured = repositoryFor(stored.config, request)
      const github = await gitHubFor(stored, configured.name)
      const reason = await noteDeletion(state, github, configured, { ref: request.ref, run, started })
      return { verdict: 'ignored', reason }
    }
    const { job, identity, isNewest } = await resolve(run, started, request, stored)
    await writeJson(state, stateKeys.job(run), job)
    if (isNewest) await noteRun(state, job.target, run, started)
    const known = await findJson<KnownEvaluation>(state, stateKeys.knownEvaluation(identity))
    // Who asks for what failed to be tried again means an attribute that did not evaluate, too.
    const isKnown = known !== undefined && !(known.broken > 0 && request.retryFailed === true)
    if (isKnown) return { verdict: 'plan', job: stateKeys.job(run) }
    if (job.warmedBy !== undefined)
      return { verdict: 'unchanged', reason: whyUnchanged(job.target, job.warmedBy) }
    return { verdict: 'evaluate', job: stateKeys.job(run) }
  } catch (error) {
    // A push or the schedule may well name what is not ours to warm; a person who does wants to know.
    const refused = error instanceof NotConfigured || error instanceof RefNotFound
    if (refused && request.trigger !== 'hand') return { verdict: 'ignored', reason: error.message }
    throw error
  }
})

/** The keys that make what is in our cache believable: an evaluation imports nothing without a signature. */
async function publicKeysFor({ cache }: StoredConfig['config']): Promise<string[]> {
  const ours = publicKeysOf(await findJson<SigningKeys>(state, stateKeys.signingKeys))
  return [...new Set([...cache.publicKeys, ...ours])]
}

async function gitHubFor({ config }: StoredConfig, repository: string): Promise<GitHubClient> {
  return (await voiceFor(tokens, config.github.api, { kind: 'contents', repository })).github
}

/** @throws RefNotFound; RepositoryNotShown, which looks the same at first */
async function findHead(github: GitHubClient, repository: string, ref: string): Promise<string> {
  const head = await headOf(github, repository, ref)
  if (head !== undefined) return head
  if (await isShown(github, repository)) throw new RefNotFound(repository, ref)
  throw new RepositoryNotShown(repository)
}

async function resolve(
  run: string,
  started: string,
  request: RunInput,
  stored: StoredConfig,
): Promise<{ job: EvaluationJob; identity: string; isNewest: boolean }> {
  const { config, sha256 } = stored
  const { ref, retryFailed } = request
  const configured = configurationFor(config, request)
  const { name: repository, systems, flakeInputs } = configured
  const attributes = attributesFor(configured, request)
  const isPartial = request.attributes !== undefined
  const head = await findHead(await gitHubFor(stored, repository), repository, ref)
  const commit = request.commit ?? head
  const warmed = isPartial ? undefined : await findJson<Warmed>(state, stateKeys.warmed(repository, commit))
  const job: EvaluationJob = {
    kind: 'evaluate',
    run,
    target: { repository, ref, commit },
    source: `${config.github.git}/${repository}.git`,
    attributes,
    systems,
    limits: config.limits.evaluation,
    publicKeys: await publicKeysFor(config),
    upstreams: config.upstreams,
    config: sha256,
    started,
    ...(flakeInputs === true ? { flakeInputs } : {}),
    ...(retryFailed === true ? { retryFailed } : {}),
    ...(warmed?.config === sha256 ? { warmedBy: warmed.run } : {}),
    ...(isPartial ? { isPartial } : {}),
  }
  const identity = evaluationIdentity(job, deployedEvaluator())
  // Somebody who warms an older commit by hand, or a part of the head, makes no run of the head pointless.
  return { job: { ...job, identity }, identity, isNewest: commit === head && !isPartial }
}
