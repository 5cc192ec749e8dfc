import { expressionIn } from './definition.ts'
import { faultsOf, type Surroundings } from './expression-check.ts'
import { isObject } from './json.ts'

/** Says what is wrong and where (`States.Build.Foo`). */
export type Report = (where: string, what: string) => void

/** Fields of JSONPath states, and what a JSONata state has instead. */
const JSONPATH: Record<string, string> = {
  InputPath: 'use $states.input in expressions',
  OutputPath: 'use Output',
  ResultPath: 'use Output or Assign',
  ResultSelector: 'use Output',
  Parameters: 'use Arguments',
  Result: 'use Output',
  ItemsPath: 'use Items',
  MaxConcurrencyPath: 'use an expression in MaxConcurrency',
  ToleratedFailureCountPath: 'use an expression in ToleratedFailureCount',
  ToleratedFailurePercentagePath: 'use an expression in ToleratedFailurePercentage',
  SecondsPath: 'use an expression in Seconds',
  TimestampPath: 'use an expression in Timestamp',
  TimeoutSecondsPath: 'use an expression in TimeoutSeconds',
  HeartbeatSecondsPath: 'use an expression in HeartbeatSeconds',
  ErrorPath: 'use an expression in Error',
  CausePath: 'use an expression in Cause',
  Variable: 'use Condition',
}

/** Real fields of the language that our subset leaves out, and why. */
const LEFT_OUT: Record<string, string> = {
  ItemReader: 'distributed maps are outside our subset; pass a list of pointers',
  ItemBatcher: 'distributed maps are outside our subset; batch before the Map',
  ResultWriter: 'distributed maps are outside our subset; let the iterations write their results',
  Label: 'distributed maps are outside our subset',
  Iterator: 'use ItemProcessor',
  Credentials: 'cross-account access is outside our subset',
}

/** Reports every field that does not belong there. */
export function checkFields(
  value: object,
  where: string,
  known: readonly string[],
  of: string,
  report: Report,
): void {
  for (const field of Object.keys(value)) {
    if (known.includes(field)) continue
    const at = where === '' ? field : `${where}.${field}`
    const hint = Object.hasOwn(JSONPATH, field) ? JSONPATH[field] : undefined
    const reason = Object.hasOwn(LEFT_OUT, field) ? LEFT_OUT[field] : undefined
    if (hint) report(at, `a JSONPath field; ${hint}`)
    else report(at, reason ?? `unknown field of ${of}; known: ${known.join(', ')}`)
  }
}

/** A literal whole number within bounds. */
export function wholeNumber(
  value: unknown,
  where: string,
  least: number,
  most: number,
  report: Report,
): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    report(where, `must be a whole number from ${least} to ${most}`)
}

/** A whole number within bounds, or an expression for one. */
export function numberOrExpression(
  value: unknown,
  where: string,
  [least, most]: readonly [number, number],
  around: Surroundings,
  report: Report,
): void {
  if (typeof value === 'string') checkExpression(value, where, around, report)
  else wholeNumber(value, where, least, most, report)
}

/** A string that must as a whole be an expression. */
export function checkExpression(value: string, where: string, around: Surroundings, report: Report): void {
  const expression = expressionIn(value)
  if (expression === undefined) report(where, 'must be an expression: {% … %}')
  else for (const fault of faultsOf(expression, around)) report(where, fault)
}

/** Any JSON, with expressions in it. */
export function checkTemplate(value: unknown, where: string, around: Surroundings, report: Report): void {
  if (typeof value === 'string') {
    if (expressionIn(value) !== undefined) checkExpression(value, where, around, report)
    else if (value.startsWith('{%') || value.endsWith('%}'))
      report(where, 'an expression begins with {% and ends with %}')
  } else if (Array.isArray(value)) {
    value.forEach((element, index) => checkTemplate(element, `${where}[${index}]`, around, report))
  } else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      if (key.endsWith('.$')) report(`${where}.${key}`, 'a JSONPath field; use an expression')
      checkTemplate(member, `${where}.${key}`, around, report)
    }
  }
}
