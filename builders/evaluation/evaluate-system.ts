import { randomUUID } from 'node:crypto'
import type { EvaluatedShell, ShellStatus } from '../../functions/shared/contract.ts'
import { isStorePath } from '../../nix/store-path.ts'
import { evaluateBounded, type EvaluationBounds, type EvaluationEnding } from './bounded-evaluation.ts'
import {
  type AttributePath,
  derivationPath,
  derivationPaths,
  parseTraceAnswer,
  type TraceAnswer,
} from './flake-expressions.ts'
import { importedDerivation, lastError } from '../machine/nix-errors.ts'
import type { TimeBudget } from './time-budget.ts'

/** A shell to evaluate. */
export interface Candidate {
  /** how people and reports call it: `devShells.x86_64-linux.default` */
  attribute: string
  path: AttributePath
}

/** A flake that is ready to be asked. */
export interface Flake extends EvaluationBounds {
  reference: string
  /** texts of Nix's messages to show otherwise: the source's folder in the store means nothing to a reader */
  replacements: [from: string, to: string][]
}

/**
 * Evaluates the shells of one system: all in one process, which shares the work that they have in common (6 processes instead of 28 and a third
 * of the time, measured on 27 attributes). When it dies, the attribute to blame gets the error and a new process goes on behind it; so one broken
 * shell never hides the others.
 * @returns one entry for every candidate, in their order
 */
export async function evaluateSystem(
  flake: Flake,
  system: string,
  candidates: Candidate[],
  budget: TimeBudget,
): Promise<EvaluatedShell[]> {
  const shells: EvaluatedShell[] = []
  while (shells.length < candidates.length) {
    const rest = candidates.slice(shells.length)
    const { answers, ending } = await evaluateTogether(flake, rest, budget)
    for (const [index, answer] of answers.entries()) {
      const candidate = rest[index]
      if (candidate === undefined) break
      const status = await statusOf(flake, candidate, answer, budget)
      shells.push({ attribute: candidate.attribute, system, ...status })
    }
    const culprit = rest[answers.length]
    if (culprit === undefined) break
    // Memory is used up by all attributes before it, too: only one that fills a process of its own is to blame.
    if ((ending.reason === 'out of memory' || ending.reason === 'died') && answers.length > 0) continue
    shells.push({ attribute: culprit.attribute, system, error: explain(flake, ending) })
  }
  return shells
}

interface Together {
  /** of the first candidates, without a gap */
  answers: TraceAnswer[]
  ending: EvaluationEnding
}

async function evaluateTogether(
  flake: Flake,
  candidates: Candidate[],
  budget: TimeBudget,
): Promise<Together> {
  const marker = `${randomUUID()} `
  const answers: TraceAnswer[] = []
  const expression = derivationPaths(
    flake.reference,
    candidates.map(({ path }) => path),
    marker,
  )
  const ending = await evaluateBounded(
    expression,
    flake,
    () => budget.share(candidates.length - answers.length),
    (line) => {
      const answer = parseTraceAnswer(line, marker)
      if (answer?.index !== answers.length) return false
      answers.push(answer)
      return true
    },
  )
  return { answers, ending }
}

async function statusOf(
  flake: Flake,
  { path }: Candidate,
  answer: TraceAnswer,
  budget: TimeBudget,
): Promise<ShellStatus> {
  if (answer.drvPath === undefined) {
    // `tryEval` caught what it threw, and the message with it: ask again, alone.
    const ending = await evaluateBounded(derivationPath(flake.reference, path), flake, () => budget.share(2))
    return { error: ending.reason === 'done' ? 'it is not a derivation' : explain(flake, ending) }
  }
  if (isStorePath(answer.drvPath) && answer.drvPath.endsWith('.drv')) return { drvPath: answer.drvPath }
  return {
    error: `its drvPath is no derivation in the store: ${JSON.stringify(answer.drvPath.slice(0, 200))}`,
  }
}

/** Why an evaluation gave no result, in Nix's words where it has some. */
export function explain(flake: Pick<Flake, 'megabytes' | 'replacements'>, ending: EvaluationEnding): string {
  const imported = importedDerivation(ending.stderr)
  if (imported !== undefined) {
    return `it needs import-from-derivation: ${imported} would have to be built during the evaluation, and an evaluator builds nothing`
  }
  switch (ending.reason) {
    case 'out of time':
      return 'it did not finish within its share of the time that evaluating its system may take: does it loop?'
    case 'out of memory':
      return `evaluating it takes more than ${flake.megabytes} MB of memory`
    case 'died':
    case 'error':
    case 'done':
      return (
        lastError(ending.stderr, flake.replacements) ||
        `the evaluation ended without a message (${ending.reason})`
      )
  }
}
