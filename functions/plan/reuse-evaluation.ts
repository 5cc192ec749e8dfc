import { HeadObjectCommand } from '@aws-sdk/client-s3'
import type { StorePath } from '../../nix/store-path.ts'
import type { Evaluation, EvaluationJob, RunId } from '../shared/contract.ts'
import { deployedEvaluator, evaluationIdentity, isReusable } from '../shared/evaluation-identity.ts'
import { stateKeys } from '../shared/keys.ts'
import {
  type Bucket,
  copyObject,
  findJson,
  findObject,
  isConditionFailed,
  writeJson,
} from '../shared/objects.ts'
import type { KnownEvaluation } from '../shared/records.ts'

// 64 MiB: as for every JSON document that our own functions write.
const EVALUATION_LIMIT = 64 * 1024 * 1024

/**
 * Writes down that a run has an evaluation that says the same whenever it is done again, so that the next run of the commit needs no evaluator. Not when the evaluator
 * was exchanged since the run began: nobody knows then which one it was.
 */
export async function rememberEvaluation(
  state: Bucket,
  job: EvaluationJob,
  evaluation: Evaluation,
): Promise<void> {
  const identity = evaluationIdentity(job, deployedEvaluator())
  if (identity !== job.identity || !isReusable(job, evaluation)) return
  const [document, graph, archive] = await Promise.all([
    etagOf(state, stateKeys.evaluation(job.run)),
    evaluation.archive === undefined ? undefined : etagOf(state, stateKeys.graph(job.run)),
    evaluation.archive === undefined ? undefined : etagOf(state, stateKeys.archive(job.run)),
  ])
  const known: KnownEvaluation = {
    version: 1,
    run: job.run,
    evaluation: document,
    ...(graph === undefined ? {} : { graph }),
    ...(archive === undefined ? {} : { archive }),
    broken: evaluation.shells.filter((shell) => 'error' in shell).length,
  }
  await writeJson(state, stateKeys.knownEvaluation(identity), known)
}

/**
 * The evaluation that an earlier run has of the same commit, attributes and evaluator. It becomes this run's own: later waves and builders read this run's keys, whatever
 * becomes of the other.
 * @param whichAreHeld asks the caches: only an evaluator can bring a flake's input again
 * @returns undefined when anything of it is gone, or is not what it was: then it must be evaluated
 */
export async function reuseEvaluation(
  state: Bucket,
  job: EvaluationJob,
  whichAreHeld: (paths: StorePath[]) => Promise<Set<StorePath>>,
): Promise<Evaluation | undefined> {
  const own = await findJson<Evaluation>(state, stateKeys.evaluation(job.run))
  if (own !== undefined) return own
  if (job.identity === undefined) return undefined
  const known = await findJson<KnownEvaluation>(state, stateKeys.knownEvaluation(job.identity))
  if (known === undefined) return undefined
  const earlier = await ifUnchanged(
    findObject(state, stateKeys.evaluation(known.run), EVALUATION_LIMIT, { etag: known.evaluation }),
  )
  if (earlier === undefined) return undefined
  const { round, ...said } = JSON.parse(Buffer.from(earlier.bytes).toString('utf8')) as Evaluation
  const { flakeInputs = [] } = said
  if (flakeInputs.length > 0 && (await whichAreHeld(flakeInputs)).size < flakeInputs.length) return undefined
  const areCopied = await Promise.all([
    copy(state, stateKeys.graph, known.run, job.run, known.graph),
    copy(state, stateKeys.archive, known.run, job.run, known.archive),
  ])
  if (areCopied.includes(false)) return undefined
  const evaluation: Evaluation = {
    ...said,
    run: job.run,
    target: job.target,
    ...(round === undefined ? {} : { round: { number: 1, build: round.build, neededBefore: {} } }),
  }
  // last: who finds it finds everything
  await writeJson(state, stateKeys.evaluation(job.run), evaluation)
  return evaluation
}

async function copy(
  state: Bucket,
  keyOf: (run: RunId) => string,
  from: RunId,
  to: RunId,
  version: string | undefined,
): Promise<boolean> {
  // of attributes that all are broken there is neither graph nor archive
  if (version === undefined) return true
  const source = { ...state, key: keyOf(from), version }
  const copied = copyObject(source, { ...state, key: keyOf(to) }, { contentType: 'application/zstd' })
  return (await ifUnchanged(copied)) ?? false
}

async function etagOf(state: Bucket, Key: string): Promise<string> {
  const { ETag = '' } = await state.s3.send(new HeadObjectCommand({ Bucket: state.name, Key }))
  return ETag
}

/** Undefined when the object is another one by now. */
async function ifUnchanged<Result>(request: Promise<Result>): Promise<Result | undefined> {
  try {
    return await request
  } catch (error) {
    if (isConditionFailed(error)) return undefined
    throw error
  }
}
