import type { Surroundings } from './expression-check.ts'
import type { Report } from './validate-fields.ts'

/** What the check of one block carries along. */
export interface Checking {
  report: Report
  /** state names seen so far, of the whole machine */
  names: Set<string>
  /** variables of the blocks around, which may not be assigned here */
  outer: ReadonlySet<string>
  /** variables that expressions here may read */
  visible: ReadonlySet<string>
}

export interface StateChecking extends Checking {
  goTo: (where: string, target: unknown) => void
  checkBlock: (block: Record<string, unknown>, where: string) => void
}

/** A state, a rule or a catcher before its fields have been checked. */
export type Fields = Record<string, unknown>

/** Bounds of every number of seconds, and of whatever else has no bound of its own. */
export const SECONDS = [0, 99_999_999] as const

/** What an expression may refer to in most fields of a state. */
export const surroundings = (checking: Checking): Surroundings => ({
  variables: checking.visible,
  result: false,
  errorOutput: false,
  taskToken: false,
})
