import type { Definition } from './definition.ts'
import type { Checking } from './checking.ts'
import { checkBlock, variablesOf } from './validate-block.ts'
import { InvalidDefinition } from './errors.ts'
import { checkFields, wholeNumber } from './validate-fields.ts'
import { isObject, parseJson } from './json.ts'

/** Longest definition that CreateStateMachine takes: 1 MB. Source: Step Functions quotas. */
const LONGEST_DEFINITION = 1_048_576

/**
 * Reads a state machine's definition and refuses everything that our subset does not know: fields, state types, resources, functions, error names,
 * JSONPath. Nothing is ever ignored, because what is ignored here would do something else at AWS.
 * @throws InvalidDefinition with one line per fault, each beginning with where it is (`States.Build.Foo`)
 */
export function parseDefinition(text: string): Definition {
  if (text.length > LONGEST_DEFINITION)
    throw new InvalidDefinition([`definition: longer than ${LONGEST_DEFINITION} characters`])
  let definition: unknown
  try {
    definition = parseJson(text)
  } catch (error) {
    throw new InvalidDefinition([`definition: no JSON: ${String(error)}`])
  }
  const problems: string[] = []
  check(definition, (where, what) => problems.push(`${where}: ${what}`))
  if (problems.length > 0) throw new InvalidDefinition(problems)
  // every field that the type names has been checked just now
  return definition as Definition
}

function check(definition: unknown, report: Checking['report']): void {
  if (!isObject(definition)) return report('definition', 'must be an object')
  checkFields(
    definition,
    '',
    ['QueryLanguage', 'Comment', 'StartAt', 'States', 'TimeoutSeconds', 'Version'],
    'a state machine',
    report,
  )
  if (definition['QueryLanguage'] !== 'JSONata')
    report('QueryLanguage', 'must be "JSONata": our state machines use no JSONPath')
  if ('Comment' in definition && typeof definition['Comment'] !== 'string')
    report('Comment', 'must be a string')
  if ('Version' in definition && definition['Version'] !== '1.0') report('Version', 'must be "1.0"')
  if ('TimeoutSeconds' in definition)
    wholeNumber(definition['TimeoutSeconds'], 'TimeoutSeconds', 1, 99_999_999, report)
  checkPlaceholders(definition, '', report)
  checkBlock(definition, '', {
    report,
    names: new Set(),
    outer: new Set(),
    visible: variablesOf(definition),
  })
}

/** A `${Name}` that CloudFormation has not replaced is somebody's mistake. */
function checkPlaceholders(value: unknown, where: string, report: Checking['report']): void {
  if (typeof value === 'string') {
    const placeholder = /\$\{[A-Za-z][A-Za-z0-9]*\}/.exec(value)
    if (placeholder) report(where, `the placeholder ${placeholder[0]} has not been substituted`)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value))
      checkPlaceholders(member, where === '' ? key : `${where}.${key}`, report)
  }
}
