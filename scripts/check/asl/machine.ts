import { below, isObject, objectOf, objectsOf, stringAt, type JsonObject } from '../json.ts'

/** A state, with the `States` field that it stands in. */
export interface PlacedState {
  name: string
  /** names of the states around it and its own, `BuildBatches/Build` */
  path: string
  type: string
  state: JsonObject
  scope: Scope
  /** what it contains: a Map's item processor, a Parallel's branches */
  inner: Scope[]
}

/** One `States` field: the machine itself, a Map's item processor, or a branch of a Parallel. Each is a graph of its own. */
export interface Scope {
  startAt: string | undefined
  states: PlacedState[]
  /** the Map or Parallel around it */
  around: PlacedState | undefined
}

export interface Machine {
  definition: JsonObject
  top: Scope
  /** every state, outer ones first */
  states: PlacedState[]
}

/** Reads a parsed definition. What is missing or of the wrong kind is left out: naming it is the rules' matter. */
export function readMachine(definition: JsonObject): Machine {
  const states: PlacedState[] = []

  function readScope(source: JsonObject, around?: PlacedState): Scope {
    const scope: Scope = { startAt: stringAt(source, 'StartAt'), states: [], around }
    for (const [name, state] of Object.entries(objectOf(source['States']))) {
      if (!isObject(state)) continue
      const path = around === undefined ? name : `${around.path}/${name}`
      const placed = { name, path, type: stringAt(state, 'Type') ?? '', state, scope, inner: [] as Scope[] }
      scope.states.push(placed)
      states.push(placed)
    }
    for (const placed of scope.states) {
      const { ItemProcessor: processor, Branches: branches } = placed.state
      if (isObject(processor)) placed.inner.push(readScope(processor, placed))
      for (const { object } of objectsOf(branches)) placed.inner.push(readScope(object, placed))
    }
    return scope
  }

  const top = readScope(definition)
  return { definition, top, states }
}

/** The Maps and Parallels around a state, innermost first. */
export function around({ scope }: PlacedState): PlacedState[] {
  return scope.around === undefined ? [] : [scope.around, ...around(scope.around)]
}

export function isInsideMap(placed: PlacedState): boolean {
  return around(placed).some(({ type }) => type === 'Map')
}

/** A way from one state to the next, with the variables that taking it assigns. */
export interface Transition {
  field: string
  to: string | undefined
  assigns: string[]
}

/** Every way out of a state: Next, each choice, Default, and each Catch. A caught error assigns what its catcher says, not what its state says. */
export function transitions({ type, state }: PlacedState): Transition[] {
  const ways = objectsOf(state['Catch']).map(({ index, object }) => way(`Catch[${index}]`, object, 'Next'))
  if (type === 'Choice') {
    for (const { index, object } of objectsOf(state['Choices']))
      ways.push(way(`Choices[${index}]`, object, 'Next'))
    if ('Default' in state) ways.push(way('', state, 'Default'))
  } else if ('Next' in state) ways.push(way('', state, 'Next'))
  return ways
}

function way(field: string, source: JsonObject, key: string): Transition {
  return {
    field: below(field, key),
    to: stringAt(source, key),
    assigns: Object.keys(objectOf(source['Assign'])),
  }
}

/** Whether an execution, an iteration or a branch may end in this state. */
export function isTerminal({ type, state }: PlacedState): boolean {
  return type === 'Succeed' || type === 'Fail' || state['End'] === true
}

/** The states that `start` leads to, itself included, without going through any of `avoiding`. */
export function reachableFrom(
  scope: Scope,
  start: string | undefined,
  avoiding: Set<string> = new Set(),
): PlacedState[] {
  const byName = new Map(scope.states.map((placed) => [placed.name, placed]))
  const reached = new Set<PlacedState>()
  const waiting = [start]
  while (waiting.length > 0) {
    const name = waiting.pop()
    const placed = name === undefined || avoiding.has(name) ? undefined : byName.get(name)
    if (placed === undefined || reached.has(placed)) continue
    reached.add(placed)
    waiting.push(...transitions(placed).map(({ to }) => to))
  }
  return [...reached]
}
