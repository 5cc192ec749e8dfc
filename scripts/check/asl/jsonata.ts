import jsonata from 'jsonata'
import { isObject } from '../json.ts'

/** What an expression refers to. */
export interface References {
  /** variables that the expression does not bind itself, without `$`; functions are among them */
  variables: Set<string>
  /** first names after `$states`: input, result, … */
  states: Set<string>
  /** `$` or `$$`, where they stand alone */
  context: Set<string>
  /** names that are looked up in the context, although at that place there is none: `input.x` instead of `$states.input.x` */
  contextless: Set<string>
}

/** Says why an expression does not compile with JSONata 2.0.6, the version that Step Functions implements. */
export class NotJsonata extends Error {
  override name = 'NotJsonata'
}

/**
 * What an expression refers to. Its syntax tree is that of JSONata 2.0.6 (`parser.js`, `processAST`), whose published types are those of 1.7.
 * @throws NotJsonata
 */
export function referencesOf(expression: string): References {
  const references: References = {
    variables: new Set(),
    states: new Set(),
    context: new Set(),
    contextless: new Set(),
  }
  const bound = new Set<string>()

  /** @param hasContext whether a name means something here: after the first step of a path, in a predicate, in a group */
  function visit(node: unknown, hasContext: boolean): void {
    if (Array.isArray(node)) {
      for (const item of node) visit(item, hasContext)
      return
    }
    if (!isObject(node)) return
    const { type, value } = node
    for (const name of [node['focus'], node['index']]) if (typeof name === 'string') bound.add(name)
    if (type === 'variable' && typeof value === 'string') {
      if (value === '' || value === '$') references.context.add(`$${value}`)
      else references.variables.add(value)
    }
    const looksAround = type === 'name' || type === 'wildcard' || type === 'descendant' || type === 'parent'
    if (looksAround && !hasContext) references.contextless.add(typeof value === 'string' ? value : type)
    if (type === 'bind') bindAll([node['lhs']])
    if (type === 'lambda') bindAll(node['arguments'])
    if (type === 'path' && Array.isArray(node['steps'])) noteStates(node['steps'])

    for (const [key, child] of Object.entries(node)) {
      const [first, ...later] = key === 'steps' && Array.isArray(child) ? child : []
      if (first !== undefined) {
        visit(first, hasContext)
        visit(later, true)
      } else
        visit(
          child,
          hasContext || ['predicate', 'stages', 'group', 'pattern', 'update', 'delete'].includes(key),
        )
    }
  }

  function bindAll(parameters: unknown): void {
    if (!Array.isArray(parameters)) return
    for (const parameter of parameters) {
      if (isObject(parameter) && typeof parameter['value'] === 'string') bound.add(parameter['value'])
    }
  }

  function noteStates([first, second]: unknown[]): void {
    if (!isObject(first) || first['type'] !== 'variable' || first['value'] !== 'states') return
    if (isObject(second) && second['type'] === 'name' && typeof second['value'] === 'string') {
      references.states.add(second['value'])
    }
  }

  visit(compile(expression), false)
  for (const name of bound) references.variables.delete(name)
  return references
}

function compile(expression: string): unknown {
  try {
    return jsonata(expression).ast()
  } catch (thrown) {
    // jsonata throws plain objects with a message and a position.
    const message =
      isObject(thrown) && typeof thrown['message'] === 'string' ? thrown['message'] : String(thrown)
    const position =
      isObject(thrown) && typeof thrown['position'] === 'number' ? ` at character ${thrown['position']}` : ''
    throw new NotJsonata(`${message}${position}`, { cause: thrown })
  }
}

/** JSONata's own functions without those that Step Functions refuses or that give each run another result. Source: jsonata 2.0.6, `jsonata.js`. */
const functionsOfJsonata = [
  'sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad match contains replace split',
  'join formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt power boolean not map zip filter single reduce',
  'sift keys lookup append exists spread merge reverse each error assert type sort distinct base64encode base64decode',
  'encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl toMillis fromMillis clone',
]
// What Step Functions adds. Source: developer guide, "Transforming data with JSONata".
const functionsOfStepFunctions = 'partition range hash parse'
export const functions = new Set([...functionsOfJsonata, functionsOfStepFunctions].join(' ').split(' '))

export const refused: Record<string, string> = {
  now: 'each retry gives another time',
  millis: 'each retry gives another time',
  random: 'each retry gives another number',
  shuffle: 'each retry gives another order',
  uuid: 'each retry gives another id',
  eval: 'Step Functions does not have it',
}
