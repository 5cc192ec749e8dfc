import type { BuildId, Evaluation, RunId } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import { stagedKeys, stagingPrefixOfBuild, stateKeys } from '../shared/keys.ts'
import { type Bucket, copyObject, findJson, writeJson } from '../shared/objects.ts'

export class EvaluationLost extends HearthError {
  override name = 'EvaluationLost'
}

/** What the evaluator says of the whole source: it keeps the evaluator's name for it, so that the run's error is that name. */
export class SourceFailed extends HearthError {
  constructor({ name, message }: { name: string; message: string }) {
    super(message)
    this.name = name
  }
}

/**
 * The evaluation of a run. The first wave takes it over from the evaluator's staging prefix: graph and archive are copied to the state
 * bucket, where neither evaluator nor builder can write, and every later reader reads those copies.
 * @throws EvaluationLost when the evaluator left nothing, SourceFailed when the source as a whole gave nothing to warm
 */
export async function takeOverEvaluation(
  state: Bucket,
  staging: Bucket,
  evaluatorRoleId: string,
  run: RunId,
  build: BuildId,
): Promise<Evaluation> {
  const taken = await findJson<Evaluation>(state, stateKeys.evaluation(run))
  if (taken !== undefined) return taken
  const prefix = stagingPrefixOfBuild(evaluatorRoleId, build)
  const evaluation = await findJson<Evaluation>(staging, stagedKeys.evaluation(prefix))
  if (evaluation === undefined)
    throw new EvaluationLost(`the evaluator ${build} left no evaluation: its log says what happened`)
  if (evaluation.error !== undefined) throw new SourceFailed(evaluation.error)
  if (evaluation.graph !== undefined) {
    await copy(staging, stagedKeys.graph(prefix), state, stateKeys.graph(run))
    await copy(staging, stagedKeys.archive(prefix), state, stateKeys.archive(run))
  }
  await writeJson(state, stateKeys.evaluation(run), evaluation)
  return evaluation
}

async function copy(from: Bucket, fromKey: string, to: Bucket, toKey: string): Promise<void> {
  const copied = await copyObject(
    { ...from, key: fromKey },
    { ...to, key: toKey },
    { contentType: 'application/zstd' },
  )
  if (!copied) throw new EvaluationLost(`the evaluator's ${fromKey} is gone`)
}
