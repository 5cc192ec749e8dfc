import type jsonata from 'jsonata'
import { StateError } from './errors.ts'
import type { Json, JsonObject } from './json.ts'
import { isObject } from './json.ts'
import { compile } from './jsonata-functions.ts'

/** `$states`, as an expression sees it. */
export type StatesVariable = { input: Json; result?: Json; errorOutput?: Json; context: JsonObject }

const compiled = new Map<string, jsonata.Expression>()

function compileOnce(expression: string): jsonata.Expression {
  const known = compiled.get(expression)
  if (known) return known
  const made = compile(expression)
  compiled.set(expression, made)
  return made
}

/** What jsonata throws are plain objects with a message, except when JavaScript itself threw. */
export function messageOf(error: unknown): string {
  if (isObject(error) && typeof error['message'] === 'string') return error['message']
  return error instanceof Error ? error.message : String(error)
}

/**
 * The value of one JSONata expression.
 * @param expression without the delimiters
 * @param field where it stands, for the message: `Output.name`
 * @throws StateError States.QueryEvaluationError when it fails, or gives nothing (JSON has no undefined) or what is no JSON
 */
export async function evaluate(
  expression: string,
  field: string,
  states: StatesVariable,
  variables: JsonObject,
): Promise<Json> {
  const failed = (why: string): StateError =>
    new StateError(
      'States.QueryEvaluationError',
      `The JSONata expression '${expression.trim()}' specified for the field '${field}' ${why}`,
    )
  let value: unknown
  try {
    // a copy: an expression like `list[]` puts jsonata's own marks on the very arrays that it is given
    value = await compileOnce(expression).evaluate(undefined, structuredClone({ ...variables, states }))
  } catch (error) {
    throw failed(`threw an error during evaluation. ${messageOf(error)}`)
  }
  if (value === undefined) throw failed('returned nothing (undefined).')
  const stray = unlikeJson(value)
  if (stray) throw failed(`returned an unsupported result type: ${stray}.`)
  return JSON.parse(JSON.stringify(value)) as Json
}

/** Names the first thing inside a value that JSON cannot say; undefined when there is none. */
function unlikeJson(value: unknown): string | undefined {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'number' && !Number.isFinite(value)) return `the number ${value}`
  if (typeof value !== 'object' || value === null) return undefined
  if ('_jsonata_function' in value || '_jsonata_lambda' in value) return 'a function'
  const members: unknown[] = Object.values(value)
  return members.map(unlikeJson).find((found) => found !== undefined)
}
