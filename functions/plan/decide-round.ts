import type { StorePath } from '../../nix/store-path.ts'
import type { Evaluation, Graph } from '../shared/contract.ts'
import { decide, type Decision } from './decide.ts'
import { judgeRound } from './evaluation-rounds.ts'
import type { Knowledge } from './knowledge.ts'

/**
 * Decides what comes next: what has been waiting to be evaluated goes before every build, because it may bring much to build. What no further evaluation helps is
 * broken, and is decided as such.
 */
export async function decideRound(
  graph: Graph,
  evaluation: Evaluation,
  knowledge: Knowledge,
  whichAreHeld: (paths: StorePath[]) => Promise<Set<StorePath>>,
): Promise<Omit<Decision, 'verdict'> & { verdict: Decision['verdict'] | 'evaluate' }> {
  const decision = await decide(graph, evaluation.shells, knowledge, whichAreHeld)
  const { shells, ready } = judgeRound(graph, evaluation, decision.held)
  if (ready.length > 0) return { ...decision, verdict: 'evaluate' }
  const isChanged = shells.some((shell, index) => shell !== evaluation.shells[index])
  return isChanged ? decide(graph, shells, knowledge, whichAreHeld) : decision
}
