import type { Checking } from './checking.ts'
import { checkState } from './validate-state.ts'
import { isObject } from './json.ts'

/** Names that the states of a block assign, not counting blocks inside them. */
export function variablesOf(block: Record<string, unknown>): Set<string> {
  const names = new Set<string>()
  const collect = (holder: unknown): void => {
    if (isObject(holder) && isObject(holder['Assign']))
      Object.keys(holder['Assign']).forEach((name) => names.add(name))
  }
  for (const state of Object.values(isObject(block['States']) ? block['States'] : {})) {
    collect(state)
    if (!isObject(state)) continue
    for (const list of [state['Catch'], state['Choices']]) if (Array.isArray(list)) list.forEach(collect)
  }
  return names
}

/**
 * Checks StartAt and States of a state machine, of a branch or of an iteration: every state by itself, that every transition has a target, that
 * every state is reached, and that names are unique in the whole machine.
 */
export function checkBlock(block: Record<string, unknown>, where: string, checking: Checking): void {
  const { report, names } = checking
  const at = (field: string): string => (where === '' ? field : `${where}.${field}`)
  const states = block['States']
  if (!isObject(states) || Object.keys(states).length === 0)
    return report(at('States'), 'must hold at least one state')
  if (typeof block['StartAt'] !== 'string') report(at('StartAt'), 'must name the first state')
  const transitions = new Map<string, string[]>()
  const goTo = (origin: string, from: string, target: unknown): void => {
    if (typeof target !== 'string') report(from, 'must be the name of a state')
    else if (!Object.hasOwn(states, target)) report(from, `there is no state ${target} here`)
    else transitions.set(origin, [...(transitions.get(origin) ?? []), target])
  }
  if (typeof block['StartAt'] === 'string') goTo(START, at('StartAt'), block['StartAt'])

  for (const [name, state] of Object.entries(states)) {
    const path = at(`States.${name}`)
    if (name === '' || name.length > 80) report(path, 'a state name has 1 to 80 characters')
    if (names.has(name))
      report(path, 'another state has the same name; names are unique in the whole machine')
    names.add(name)
    checkState(state, path, {
      ...checking,
      goTo: (from, target) => goTo(name, from, target),
      checkBlock: (inner, place) => checkInner(inner, place, checking),
    })
  }
  const reached = reachedFrom(START, transitions)
  for (const name of Object.keys(states))
    if (!reached.has(name)) report(at(`States.${name}`), 'no transition leads here')
}

/** Where a block begins; no state has an empty name that anybody could go to. */
const START = ''

function reachedFrom(start: string, transitions: ReadonlyMap<string, string[]>): Set<string> {
  const reached = new Set<string>()
  const open = [start]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const fresh = (transitions.get(name) ?? []).filter((target) => !reached.has(target))
    fresh.forEach((target) => reached.add(target))
    open.push(...fresh)
  }
  return reached
}

/** A block inside a Map or a Parallel: it reads the variables around it, and may not assign them. */
function checkInner(block: Record<string, unknown>, where: string, checking: Checking): void {
  checkBlock(block, where, {
    ...checking,
    outer: checking.visible,
    visible: new Set([...checking.visible, ...variablesOf(block)]),
  })
}
