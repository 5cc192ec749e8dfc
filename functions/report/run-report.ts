import type { StorePath } from '../../nix/store-path.ts'
import type { RunDownloads, RunOutcome, RunSummary, System } from '../shared/contract.ts'
import type { RunTarget } from './target-of.ts'
import type { RunCost } from './cost.ts'

/**
 * `warm`: everything of it was in a cache before. `built`: it is warm, and this run built something for it. `waiting`: what is missing is for a Mac, and there is
 * none. `building`: the run is at work on it. `cold`: the run is over, and it is not warm.
 */
export type ShellState = 'warm' | 'built' | 'failed' | 'waiting' | 'building' | 'cold'

/** How one shell stands, as people are told. */
export interface ShellReport {
  attribute: string
  system: System
  state: ShellState
  /** derivations of its warm set that this run built */
  built: number
  /** their wall time in seconds */
  seconds: number
  /** derivations of its warm set that are still to come */
  missing: number
  /** why it failed */
  reason?: string
  /** the derivations to blame */
  blame?: StorePath[]
}

/** Everything that GitHub and everybody else is told of a run, as values. */
export interface RunReport {
  run: string
  trigger?: string
  target: RunTarget
  /** absent while the run goes on */
  verdict?: RunSummary['verdict']
  /** why there was nothing to do */
  reason?: string
  error?: { name: string; message: string }
  /** the commit that is warmed in the place of this one */
  supersededBy?: string
  /** whether it warms other attributes than hearth.yml names */
  isPartial: boolean
  shells: ShellReport[]
  outcomes: RunOutcome[]
  /** compressed, in the cache */
  bytesAdded: number
  /** since the run's execution was started; absent when nobody knows */
  seconds?: number
  downloads?: RunDownloads
  cost?: RunCost
  /** the execution's page */
  link: string
}

/** Shells that are warm, whoever built them. */
export function warmShells({ shells }: Pick<RunReport, 'shells'>): ShellReport[] {
  return shells.filter(({ state }) => state === 'warm' || state === 'built')
}

/** What this run built and published, longest first. */
export function builtDerivations({ outcomes }: Pick<RunReport, 'outcomes'>): RunOutcome[] {
  return outcomes
    .filter(({ outcome, seconds }) => outcome === 'published' && seconds !== undefined)
    .toSorted((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0) || a.drvPath.localeCompare(b.drvPath))
}

/** Whether all is well with a run that is over: `neutral` when it says nothing about the commit. */
export function outcomeOf({ verdict, shells }: RunReport): 'success' | 'failure' | 'neutral' {
  if (verdict === 'superseded' || verdict === 'ignored') return 'neutral'
  if (verdict === 'failed' || verdict === 'stuck') return 'failure'
  return shells.some(({ state }) => state === 'failed') ? 'failure' : 'success'
}
