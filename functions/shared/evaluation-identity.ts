import { createHash } from 'node:crypto'
import { parseAttribute } from './attributes.ts'
import type { Evaluation, EvaluationJob } from './contract.ts'

/** Who evaluates: another Nix or another evaluator may give other derivations. */
export interface Evaluator {
  /** SHA-256 of the builder's bundle */
  bundle: string
  /** the version of Nix that it installs, such as `2.34.8` */
  nixVersion: string
}

// Raised when what an evaluation says changes its meaning, so that none of before is taken for one of after.
const FORM = 1

/**
 * Names what an evaluation follows from: two jobs of one identity have one result, whatever else is around them (the run, the ref, the caches). SHA-256, in
 * hexadecimal. The order of attributes and systems does not matter.
 */
export function evaluationIdentity(
  { target, source, attributes, systems, limits, flakeInputs = false }: EvaluationJob,
  { bundle, nixVersion }: Evaluator,
): string {
  const parts = {
    form: FORM,
    commit: target.commit,
    // The folder of a repository is part of what its files are called in the store.
    repository: target.repository,
    source,
    attributes: [...new Set(attributes)].toSorted(),
    systems: [...new Set(systems)].toSorted(),
    secondsPerSystem: limits.secondsPerSystem,
    megabytes: limits.megabytes,
    flakeInputs,
    bundle,
    nixVersion,
  }
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/**
 * Whether an evaluation says the same when it is done again. Files are evaluated impurely: what they fetch without a hash changes. What lacks an import gets
 * further next time, and what failed or ran out of time or memory may do so, too, on another machine.
 */
export function isReusable(
  { attributes }: Pick<EvaluationJob, 'attributes'>,
  { shells, error }: Pick<Evaluation, 'shells' | 'error'>,
): boolean {
  return (
    error === undefined &&
    attributes.every((attribute) => parseAttribute(attribute)?.kind === 'flake') &&
    shells.every((shell) => 'drvPath' in shell)
  )
}
