import type { StorePath } from '../../nix/store-path.ts'
import type { DerivationOutputs, EvaluatedShell, Evaluation, Graph } from '../shared/contract.ts'
import { wantedBy } from './warm-set.ts'

// 10 evaluations: imports that lead to further imports are two or three deep in practice (haskell.nix: the plan, then the packages that it names).
const MOST_ROUNDS = 10

/** What follows from an evaluation's imports, now that it is known what the caches hold. */
export interface RoundVerdict {
  /** as the evaluation gave them; what no further evaluation can help has an error now */
  shells: EvaluatedShell[]
  /** attributes whose imports all are in a cache: evaluating again brings them on */
  ready: string[]
}

/**
 * Which attributes can be evaluated again: those that needed outputs that are in a cache now. It gives up on what needed the very same in the round
 * before, although the caches have it, and on everything in the last round.
 */
export function judgeRound(
  graph: Graph,
  { shells, round }: Pick<Evaluation, 'shells' | 'round'>,
  held: Set<StorePath>,
): RoundVerdict {
  const ready: string[] = []
  const judged = shells.map((shell): EvaluatedShell => {
    if (!('needs' in shell)) return shell
    const { attribute, system, needs } = shell
    if (!wantedBy(graph, shell).every(({ path }) => path !== undefined && held.has(path))) return shell
    const names = Object.keys(needs).join(', ')
    if (isSame(needs, round?.neededBefore[nameInRound(shell)])) {
      const error = `evaluating it imports ${names}, which is in a cache, and the evaluator did not get it: its log says why`
      return { attribute, system, error }
    }
    if ((round?.number ?? 1) >= MOST_ROUNDS) {
      const error = `it imports what it can only know after other imports, ${MOST_ROUNDS} times over and still: next would be ${names}`
      return { attribute, system, error }
    }
    ready.push(attribute)
    return shell
  })
  return { shells: judged, ready }
}

function isSame(needs: DerivationOutputs, before: DerivationOutputs = {}): boolean {
  const show = (outputs: DerivationOutputs): string[] =>
    Object.entries(outputs)
      .map(([drvPath, names]) => `${drvPath}!${names.toSorted().join()}`)
      .toSorted()
  return show(needs).join() === show(before).join()
}

/** What an attribute is called in a round's record: an attribute such as `nixpkgs#bashInteractive` is there for each system. */
export function nameInRound({ attribute, system }: Pick<EvaluatedShell, 'attribute' | 'system'>): string {
  return `${attribute} ${system}`
}
