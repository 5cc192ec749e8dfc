import { checkState, type Checking } from './validate-state.ts'
import { isObject } from './json.ts'

export type { Checking }

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
  const reached = new Set<string>()
  const goTo = (from: string, target: unknown): void => {
    if (typeof target !== 'string') report(from, 'must be the name of a state')
    else if (!Object.hasOwn(states, target)) report(from, `there is no state ${target} here`)
    else reached.add(target)
  }
  if (typeof block['StartAt'] === 'string') goTo(at('StartAt'), block['StartAt'])

  for (const [name, state] of Object.entries(states)) {
    const path = at(`States.${name}`)
    if (name.length > 80) report(path, 'a state name has at most 80 characters')
    if (names.has(name))
      report(path, 'another state has the same name; names are unique in the whole machine')
    names.add(name)
    checkState(state, path, {
      ...checking,
      goTo,
      checkBlock: (inner, place) => checkInner(inner, place, checking),
    })
  }
  for (const name of Object.keys(states))
    if (!reached.has(name)) report(at(`States.${name}`), 'no transition leads here')
}

/** A block inside a Map or a Parallel: it reads the variables around it, and may not assign them. */
function checkInner(block: Record<string, unknown>, where: string, checking: Checking): void {
  checkBlock(block, where, {
    ...checking,
    nested: true,
    outer: checking.visible,
    visible: new Set([...checking.visible, ...variablesOf(block)]),
  })
}
