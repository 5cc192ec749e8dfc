import type { StorePath } from '../../nix/store-path.ts'
import { FLAKE_INPUTS } from '../shared/attributes.ts'
import type { Evaluation, EvaluationJob, PlannedShell } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { type Bucket, findJson } from '../shared/objects.ts'
import type { PublishedInputs } from '../shared/records.ts'

/** How the inputs of a flake stand, when they are to be kept warm. */
export interface InputsStand {
  /** one entry of the plan beside its shells: it is reported as they are, and Record makes a root of it; none when there is nothing to keep */
  shells: PlannedShell[]
  /** Publish has not yet seen what the evaluator staged of them */
  areToBePublished: boolean
}

/** @param whichAreHeld asks the caches; the paths are proved, because Plan leaves no other in an evaluation */
export async function inputsStand(
  state: Bucket,
  { run, flakeInputs }: Pick<EvaluationJob, 'run' | 'flakeInputs'>,
  { flakeInputs: paths = [], round }: Pick<Evaluation, 'flakeInputs' | 'round'>,
  whichAreHeld: (paths: StorePath[]) => Promise<Set<StorePath>>,
): Promise<InputsStand> {
  // an evaluator that speaks of inputs without having been asked has nothing to say
  if (flakeInputs !== true || paths.length === 0) return { shells: [], areToBePublished: false }
  const held = await whichAreHeld(paths)
  const cold = paths.filter((path) => !held.has(path))
  if (cold.length === 0)
    return { shells: [{ ...FLAKE_INPUTS, paths, status: 'warm' }], areToBePublished: false }
  const tried = await findJson<PublishedInputs>(state, stateKeys.inputs(run))
  if (tried === undefined || tried.build !== round?.build)
    return { shells: [{ ...FLAKE_INPUTS, paths, status: 'cold' }], areToBePublished: true }
  const reason = cold
    .map((path) => tried.refused[path] ?? `${path} was published, and no cache shows it`)
    .join('\n')
  return { shells: [{ ...FLAKE_INPUTS, paths, status: 'failed', reason }], areToBePublished: false }
}
