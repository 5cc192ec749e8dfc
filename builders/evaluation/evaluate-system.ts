import { randomUUID } from 'node:crypto'
import type { DerivationOutputs, EvaluatedShell, ShellStatus } from '../../functions/shared/contract.ts'
import { isPassingFailure } from '../../functions/shared/passing-failure.ts'
import { isStorePath } from '../../nix/store-path.ts'
import { lastError } from '../machine/nix-errors.ts'
import { evaluateBounded, type EvaluationBounds, type EvaluationEnding } from './bounded-evaluation.ts'
import {
  type AttributePath,
  derivationPath,
  derivationPaths,
  parseTraceAnswer,
  type TraceAnswer,
} from './expressions.ts'
import type { Imports } from './imports.ts'
import type { TimeBudget } from './time-budget.ts'

/** A shell to evaluate. */
export interface Candidate {
  /** how people and reports call it: `devShells.x86_64-linux.default` */
  attribute: string
  path: AttributePath
  /** the set that it stands in has other things, too: what is no derivation is not meant */
  isAmongOthers?: boolean
}

/** A flake that is ready to be asked, or a file for one system. */
export interface Source extends EvaluationBounds {
  /** the expression of its value */
  root: string
  /** texts of Nix's messages to show otherwise: the source's folder in the store means nothing to a reader */
  replacements: [from: string, to: string][]
  /** what to do about words of Nix or git, when it is that a repository may not be read */
  advise?: (words: string) => string | undefined
}

/**
 * Evaluates the shells of one source and one system: all in one process, which shares the work that they have in common (6 processes instead of 28
 * and a third of the time, measured on 27 attributes). When it dies, the attribute to blame gets the error and a new process goes on behind it; so one
 * broken shell never hides the others. What it imports, and a cache has, is fetched, and it goes on at the same attribute.
 * @returns one entry for every candidate that is meant, in their order
 */
export async function evaluateSystem(
  source: Source,
  system: string,
  candidates: Candidate[],
  budget: TimeBudget,
  imports: Imports,
): Promise<EvaluatedShell[]> {
  const shells: EvaluatedShell[] = []
  let done = 0
  while (done < candidates.length) {
    const rest = candidates.slice(done)
    const { answers, ending } = await evaluateTogether(source, rest, budget, imports)
    for (const [index, answer] of answers.entries()) {
      const candidate = rest[index]
      if (candidate === undefined) break
      if (answer.isOther === true && candidate.isAmongOthers === true) continue
      const status = await statusOf(source, candidate, answer, budget, imports)
      shells.push({ attribute: candidate.attribute, system, ...status })
    }
    done += answers.length
    const culprit = rest[answers.length]
    if (culprit === undefined) break
    const obstacle = await imports.obstacle(ending)
    if (obstacle === 'again') continue
    // Memory is used up by all attributes before it, too: only one that fills a process of its own is to blame.
    if ((ending.reason === 'out of memory' || ending.reason === 'died') && answers.length > 0) continue
    done++
    shells.push({
      attribute: culprit.attribute,
      system,
      ...(obstacle === undefined
        ? await errorOf(source, culprit, ending, budget, imports)
        : withImports(obstacle, imports.got)),
    })
  }
  return shells
}

interface Answer extends TraceAnswer {
  imported: DerivationOutputs | undefined
}

interface Together {
  /** of the first candidates, without a gap */
  answers: Answer[]
  ending: EvaluationEnding
}

async function evaluateTogether(
  source: Source,
  candidates: Candidate[],
  budget: TimeBudget,
  imports: Imports,
): Promise<Together> {
  const marker = `${randomUUID()} `
  const answers: Answer[] = []
  const expression = derivationPaths(
    source.root,
    candidates.map(({ path }) => path),
    marker,
  )
  imports.begin()
  const ending = await evaluateBounded(
    expression,
    { ...source, settings: [...source.settings, ...imports.watchedSettings] },
    () => budget.share(candidates.length - answers.length),
    (line) => {
      imports.read(line)
      const answer = parseTraceAnswer(line, marker)
      if (answer?.index !== answers.length) return false
      imports.confirm()
      answers.push({ ...answer, imported: imports.got })
      return true
    },
  )
  return { answers, ending }
}

async function statusOf(
  source: Source,
  candidate: Candidate,
  { drvPath, imported }: Answer,
  budget: TimeBudget,
  imports: Imports,
): Promise<ShellStatus> {
  // `tryEval` caught what it threw, and the message with it.
  if (drvPath === undefined) return askForError(source, candidate, budget, imports)
  if (isStorePath(drvPath) && drvPath.endsWith('.drv')) return withImports({ drvPath }, imported)
  return {
    error: `its drvPath is no derivation in the store: ${JSON.stringify(drvPath.slice(0, 200))}`,
  }
}

function withImports<Status extends object>(
  status: Status,
  imported: DerivationOutputs | undefined,
): Status & { imported?: DerivationOutputs } {
  return imported === undefined ? status : { ...status, imported }
}

async function errorOf(
  source: Source,
  candidate: Candidate,
  ending: EvaluationEnding,
  budget: TimeBudget,
  imports: Imports,
): Promise<Broken> {
  // What was watched for its imports says where it was all along, and its error is hard to find in that.
  const isWatched = ending.reason === 'error' && imports.areAllowed
  return isWatched ? askForError(source, candidate, budget, imports) : brokenBy(source, ending)
}

/** What is wrong with an attribute, asked alone. */
async function askForError(
  source: Source,
  { path }: Candidate,
  budget: TimeBudget,
  imports: Imports,
): Promise<Broken> {
  const ending = await evaluateBounded(
    derivationPath(source.root, path),
    { ...source, settings: [...source.settings, ...imports.settings] },
    () => budget.share(2),
  )
  return ending.reason === 'done' ? { error: 'it is not a derivation' } : brokenBy(source, ending)
}

type Broken = Extract<ShellStatus, { error: string }>

/** What is wrong with something that could not be evaluated, and whether that may pass. */
export function brokenBy(
  source: Pick<Source, 'megabytes' | 'replacements' | 'advise'>,
  ending: EvaluationEnding,
): Broken {
  const error = explain(source, ending)
  // Everything but an error of Nix's is of the machine, and how busy it was. What Nix says of the network is in the error, or in a warning before it.
  const isOfNix = ending.reason === 'error' || ending.reason === 'done'
  // Somebody may be given access to what cannot be read, by hearth.yml or on GitHub: that is no new commit.
  const isOfAccess = source.advise?.(ending.stderr) !== undefined
  const mayPass = !isOfNix || isOfAccess || isPassingFailure(ending.stderr, [], true)
  return mayPass ? { error, isPassing: true } : { error }
}

/** Why an evaluation gave no result, in Nix's words where it has some. */
export function explain(
  source: Pick<Source, 'megabytes' | 'replacements' | 'advise'>,
  ending: EvaluationEnding,
): string {
  switch (ending.reason) {
    case 'out of time':
      return 'it did not finish within its share of the time that evaluating its system may take: does it loop?'
    case 'out of memory':
      return `evaluating it takes more than ${source.megabytes} MB of memory`
    case 'died':
    case 'error':
    case 'done':
      return withAdvice(
        lastError(ending.stderr, source.replacements) ||
          `the evaluation ended without a message (${ending.reason})`,
        source.advise?.(ending.stderr),
      )
  }
}

function withAdvice(message: string, advice: string | undefined): string {
  return advice === undefined ? message : `${message}\n${advice}`
}
