import type { RunId, Target } from './contract.ts'

/** What a run says that had nothing to do. */
export function whyUnchanged({ commit }: Pick<Target, 'commit'>, warmedBy: RunId): string {
  return `${commit} was warmed by the run ${warmedBy}`
}
