import type { Fault } from '../../finding.ts'
import { below, objectOf, objectsOf } from '../../json.ts'
import { expressionsOf } from '../expressions.ts'
import { functions, NotJsonata, referencesOf, refused } from '../jsonata.ts'
import { transitions, type PlacedState, type Scope } from '../machine.ts'
import { fault, type Rule } from '../rule.ts'

/**
 * Every variable is assigned on every path before a state reads it, and no inner scope assigns a variable of an outer one.
 * A state reads before it assigns: its own Assign counts only for the states after it.
 */
export const variables: Rule = {
  name: 'variables',
  *check({ top }) {
    yield* checkScope(top, new Set(), new Set())
  },
}

/**
 * @param entering what is assigned on every path that enters the scope
 * @param outer every name that some scope around this one assigns somewhere
 */
function* checkScope(scope: Scope, entering: Set<string>, outer: Set<string>): Generator<Fault> {
  const own = new Set(scope.states.flatMap((placed) => assignments(placed).map(({ name }) => name)))
  const assigned = assignedBefore(scope, entering)
  for (const placed of scope.states) {
    yield* checkNames(placed, outer)
    const before = assigned.get(placed.name)
    // A state that nothing leads to is the validators' finding.
    if (before === undefined) continue
    for (const { field, name } of reads(placed)) {
      if (before.has(name)) continue
      const problem = own.has(name)
        ? notOnEveryPath(scope, placed, name, assigned)
        : `no state assigns $${name}`
      yield fault(placed, field, problem, `assign $${name} on every path that leads here`)
    }
    for (const inner of placed.inner) yield* checkScope(inner, before, new Set([...outer, ...own]))
  }
}

function* checkNames(placed: PlacedState, outer: Set<string>): Generator<Fault> {
  for (const { field, name } of assignments(placed)) {
    if (outer.has(name)) {
      const problem = `$${name} belongs to a scope around this one, which an inner scope cannot assign`
      yield fault(placed, field, problem, 'choose another name, or put the value out')
    } else if (name === 'states' || functions.has(name) || name in refused) {
      yield fault(placed, field, `$${name} is JSONata's own`, 'choose another name')
    }
  }
}

function assignments({ state }: PlacedState): { field: string; name: string }[] {
  const holders = [
    { field: 'Assign', object: state },
    ...objectsOf(state['Catch']).map(({ index, object }) => ({ field: `Catch[${index}].Assign`, object })),
    ...objectsOf(state['Choices']).map(({ index, object }) => ({
      field: `Choices[${index}].Assign`,
      object,
    })),
  ]
  return holders.flatMap(({ field, object }) =>
    Object.keys(objectOf(object['Assign'])).map((name) => ({ field: below(field, name), name })),
  )
}

function reads(placed: PlacedState): { field: string; name: string }[] {
  return expressionsOf(placed).flatMap(({ field, source }) =>
    [...variablesIn(source)]
      .filter((name) => name !== 'states' && !functions.has(name) && !(name in refused))
      .map((name) => ({ field, name })),
  )
}

function variablesIn(source: string): Set<string> {
  try {
    return referencesOf(source).variables
  } catch (thrown) {
    // That it does not compile is the finding of another rule.
    if (thrown instanceof NotJsonata) return new Set()
    throw thrown
  }
}

/**
 * For every state that can be reached: the variables that are assigned on all paths to it. Starts from the first state and takes away, at
 * each state, what some way into it lacks, until nothing changes; a set only ever shrinks, so it ends.
 */
function assignedBefore(scope: Scope, entering: Set<string>): Map<string, Set<string>> {
  const before = new Map<string, Set<string>>()
  const waiting: [string | undefined, Set<string>][] = [[scope.startAt, entering]]
  while (waiting.length > 0) {
    const [name, arriving] = waiting.pop() ?? []
    const placed = scope.states.find((placed) => placed.name === name)
    if (placed === undefined || arriving === undefined) continue
    const known = before.get(placed.name)
    const both = known === undefined ? arriving : new Set([...known].filter((name) => arriving.has(name)))
    if (known !== undefined && both.size === known.size) continue
    before.set(placed.name, both)
    for (const { to, assigns } of transitions(placed)) waiting.push([to, new Set([...both, ...assigns])])
  }
  return before
}

function notOnEveryPath(
  scope: Scope,
  to: PlacedState,
  name: string,
  assigned: Map<string, Set<string>>,
): string {
  for (const from of scope.states) {
    const before = assigned.get(from.name)
    const way = transitions(from).find((way) => way.to === to.name && !way.assigns.includes(name))
    if (before === undefined || before.has(name) || way === undefined) continue
    return `$${name} is not assigned when ${from.name} leads here by ${way.field}`
  }
  return `$${name} is not assigned on the way into this state`
}
