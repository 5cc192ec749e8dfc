import type { EvaluatedShell } from '../../functions/shared/contract.ts'
import { evaluateBounded, type EvaluationBounds } from './bounded-evaluation.ts'
import { FlakeDoesNotEvaluate, NothingToWarm } from '../machine/errors.ts'
import { type Candidate, explain, type Flake } from './evaluate-system.ts'
import {
  type AttributeSet,
  type Listing,
  listing,
  parseListing,
  parseSetListing,
  type SetListing,
  setListing,
  showPath,
} from './flake-expressions.ts'
import type { EvaluationTask } from '../machine/job.ts'
import { TimeBudget } from './time-budget.ts'

/** What there is to evaluate in a flake. */
export interface FoundShells {
  flake: Flake
  systems: { system: string; candidates: Candidate[] }[]
  /** attribute sets that cannot even be listed */
  broken: EvaluatedShell[]
  /** attributes that are only warmed if they evaluate */
  optional: ReadonlySet<string>
}

/**
 * `nix develop` takes its bash from here when the flake has an input called `nixpkgs`, so that a shell is not warm without it. See design section 5.
 */
const BASH = 'nixpkgs#bashInteractive'

type Listed = Omit<Listing, 'sets'> & { sets: (SetListing | { error: string })[] }

/**
 * Finds the shells of a flake by their names, without evaluating one.
 * @throws FlakeDoesNotEvaluate with Nix's message
 * @throws NothingToWarm when the flake has none of the attributes for any of the systems
 */
export async function findShells(
  job: EvaluationTask,
  reference: string,
  bounds: EvaluationBounds,
): Promise<FoundShells> {
  const sets: AttributeSet[] = job.systems.flatMap((system) =>
    job.attributes.map((attribute) => ({ system, path: [...attribute.split('.'), system] })),
  )
  const plain: Flake = { ...bounds, reference, replacements: [[`«${reference}»/`, '']] }
  const listed = await list(plain, sets, new TimeBudget(job.limits.secondsPerSystem))
  const flake: Flake = { ...plain, replacements: [[`${listed.source}/`, ''], ...plain.replacements] }
  const broken: EvaluatedShell[] = []
  const candidates = new Map<string, Candidate[]>(job.systems.map((system) => [system, []]))
  for (const [index, { system, path }] of sets.entries()) {
    const answer = listed.sets[index] ?? 'absent'
    if (typeof answer === 'object' && 'error' in answer) {
      broken.push({ attribute: showPath(path), system, error: answer.error })
    } else candidates.get(system)?.push(...candidatesOf(path, answer))
  }
  const systems = [...candidates]
    .map(([system, candidates]) => ({ system, candidates }))
    .filter(({ candidates }) => candidates.length > 0)
  if (systems.length === 0 && broken.length === 0) {
    const wanted = sets.map(({ path }) => showPath(path)).join(', ')
    throw new NothingToWarm(`${job.target.repository} at ${job.target.commit} has none of ${wanted}`)
  }
  if (listed.nixpkgs) {
    for (const { system, candidates } of systems) {
      const path = ['inputs', 'nixpkgs', 'legacyPackages', system, 'bashInteractive']
      candidates.push({ attribute: BASH, path })
    }
  }
  return { flake, systems, broken, optional: new Set([BASH]) }
}

function candidatesOf(path: string[], answer: SetListing): Candidate[] {
  if (answer === 'derivation') return [{ attribute: showPath(path), path }]
  if (typeof answer === 'string') return []
  return answer.names.map((name) => ({ attribute: showPath([...path, name]), path: [...path, name] }))
}

/** Lists all sets in one process; what cannot be listed so is asked for by itself, so that it does not hide the others. */
async function list(flake: Flake, sets: AttributeSet[], budget: TimeBudget): Promise<Listed> {
  const together = await evaluateBounded(listing(flake.reference, sets), flake, () => budget.share(2))
  if (together.result !== undefined) {
    const listed = parseListing(together.result)
    return { ...listed, sets: await listUnknown(flake, sets, listed.sets, budget) }
  }
  const alone = await evaluateBounded(listing(flake.reference, []), flake, () => budget.share(2))
  if (alone.result === undefined) throw new FlakeDoesNotEvaluate(explain(flake, alone))
  const unknown = sets.map((): SetListing => 'unknown')
  return { ...parseListing(alone.result), sets: await listUnknown(flake, sets, unknown, budget) }
}

async function listUnknown(
  flake: Flake,
  sets: AttributeSet[],
  answers: SetListing[],
  budget: TimeBudget,
): Promise<Listed['sets']> {
  const known: Listed['sets'] = []
  for (const [index, set] of sets.entries()) {
    const answer = answers[index] ?? 'unknown'
    if (answer !== 'unknown') known.push(answer)
    else {
      const share = budget.share(sets.length - index)
      const ending = await evaluateBounded(setListing(flake.reference, set), flake, () => share)
      known.push(
        ending.result === undefined ? { error: explain(flake, ending) } : parseSetListing(ending.result),
      )
    }
  }
  return known
}
