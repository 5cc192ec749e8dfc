import { createHash } from 'node:crypto'
import { parseAttribute } from './attributes.ts'
import type { Evaluation, EvaluationJob } from './contract.ts'
import { requireEnvironment } from './environment.ts'

/** Who evaluates: another Nix or another evaluator may give other derivations. */
export interface Evaluator {
  /** key of the builder's bundle, which has its SHA-256 */
  bundle: string
  /** the version of Nix that it installs, such as `2.34.8` */
  nixVersion: string
}

// Raised when what an evaluation says, or the graph that Plan makes of it, changes its form or meaning: none of before is taken for one of after.
const FORM = 1

/** The evaluator of this deployment, as serverless.yml tells its functions. */
export function deployedEvaluator(): Evaluator {
  return { bundle: requireEnvironment('BUILDER_BUNDLE'), nixVersion: requireEnvironment('NIX_VERSION') }
}

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
 * further next time, and what ran out of time or memory or had no network may do so, too, on another machine. Whatever else is wrong with an attribute stays
 * wrong.
 */
export function isReusable(
  { attributes }: Pick<EvaluationJob, 'attributes'>,
  { shells, error }: Pick<Evaluation, 'shells' | 'error'>,
): boolean {
  return (
    error === undefined &&
    attributes.every((attribute) => parseAttribute(attribute)?.kind === 'flake') &&
    shells.every((shell) => 'drvPath' in shell || ('error' in shell && shell.isPassing !== true))
  )
}
