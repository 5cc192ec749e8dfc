import type {
  DerivationOutcome,
  RunOutcome,
  PlannedShell,
  RunId,
  RunInput,
  RunSummary,
  RunVerdict,
  Target,
  WavePlan,
} from '../shared/contract.ts'
import { hasCome, type TriedBatch } from '../shared/run-files.ts'

/** How an execution ended, as far as Report is told. */
export interface Ending {
  verdict: RunVerdict
  reason?: string | undefined
  error?: { name: string; message: string }
}

/** Everything that is known of a run, as one document for people and programs. */
export function summarise(
  run: RunId,
  input: Partial<RunInput>,
  target: Target | undefined,
  ending: Ending,
  plans: WavePlan[],
  batches: TriedBatch[],
): RunSummary {
  const last = plans.at(-1)
  const outcomes = finalOutcomes(batches)
  const count = (...which: DerivationOutcome['outcome'][]): number =>
    outcomes.filter(({ outcome }) => which.includes(outcome)).length
  const planned = new Set(batches.flatMap(({ job }) => job.derivations.map(({ drvPath }) => drvPath))).size
  const total = last?.derivations.graph ?? 0
  const { repository, ref, commit } = input
  return {
    version: 1,
    run,
    verdict: ending.verdict,
    ...(input.trigger === undefined ? {} : { trigger: input.trigger }),
    target: target ?? {
      ...(repository === undefined ? {} : { repository }),
      ...(ref === undefined ? {} : { ref }),
      ...(commit === undefined ? {} : { commit }),
    },
    ...(ending.reason === undefined ? {} : { reason: ending.reason }),
    ...(ending.error === undefined ? {} : { error: ending.error }),
    shells: (last?.shells ?? []).map(withoutPaths),
    derivations: {
      total,
      planned,
      built: count('published', 'already-published', 'not-reproducible', 'refused'),
      published: count('published', 'already-published'),
      failed: planned - count('published', 'already-published', 'not-reproducible'),
      notReproducible: count('not-reproducible'),
      skipped: total - planned,
    },
    outcomes,
    bytesAdded: batches
      .flatMap(({ outcome }) => outcome?.derivations ?? [])
      .reduce((sum, { bytes = 0 }) => sum + bytes, 0),
    waves: plans.filter((plan) => plan.lanes.length > 0).length,
  }
}

/** What became of every derivation in the end: of several attempts the one that came, else the last. */
export function finalOutcomes(batches: TriedBatch[]): RunOutcome[] {
  const outcomes = new Map<string, RunOutcome>()
  for (const { job, outcome } of batches)
    for (const derivation of outcome?.derivations ?? [])
      if (!hasCome(outcomes.get(derivation.drvPath)))
        outcomes.set(derivation.drvPath, { ...derivation, system: job.system })
  return [...outcomes.values()]
}

/** A shell without its warm set: thousands of paths that the plan keeps. */
function withoutPaths(shell: PlannedShell): Omit<PlannedShell, 'paths'> {
  const kept: Partial<PlannedShell> & Omit<PlannedShell, 'paths'> = { ...shell }
  delete kept.paths
  return kept
}
