import type { PlannedShell, RunId, Target, WavePlan } from '../shared/contract.ts'
import type { Root } from '../shared/records.ts'

/**
 * The roots that a plan gives: one for every shell that is warm. A shell that is not keeps the root of its last warm commit, which this run
 * does not touch: developers of that branch still enter the old one.
 * @param refreshed ISO 8601
 */
export function rootsOf(
  plan: WavePlan,
  target: Target,
  run: RunId,
  refreshed: string,
): { shell: string; root: Root }[] {
  return plan.shells
    .filter(({ status }) => status === 'warm')
    .map(({ attribute, system, paths }) => ({
      shell: shellName({ attribute, system }),
      root: { version: 1, target, attribute, system, paths, run, refreshed },
    }))
}

/** One name for a shell of one system: `x86_64-linux devShells.default`. */
function shellName({ attribute, system }: Pick<PlannedShell, 'attribute' | 'system'>): string {
  return `${system} ${attribute}`
}
