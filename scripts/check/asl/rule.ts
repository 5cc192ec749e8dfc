import type { Fault } from '../finding.ts'
import type { Machine, PlacedState } from './machine.ts'

/** One rule about state machines: pure, and silent about what is another rule's matter. */
export interface Rule {
  name: string
  check(machine: Machine): Iterable<Fault>
}

/** A rule about each state alone. */
export function eachState(name: string, check: (placed: PlacedState) => Iterable<Fault>): Rule {
  return {
    name,
    *check(machine) {
      for (const placed of machine.states) yield* check(placed)
    },
  }
}

export function fault(placed: PlacedState, field: string, problem: string, remedy: string): Fault {
  return { where: placed.path, field, problem, remedy }
}
