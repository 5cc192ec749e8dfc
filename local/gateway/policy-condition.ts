import { InvalidPolicy, listOf, type ConditionBlock } from './policy-document.ts'
import {
  contextValue,
  literalOf,
  matchesArn,
  matchesPattern,
  parsePattern,
  type RequestContext,
} from './policy-pattern.ts'

/** Whether the request's value satisfies one value of the policy. */
type Comparison = (actual: string, expected: string, context: RequestContext) => boolean

const equals: Comparison = (actual, expected, context) => actual === literalOf(expected, context)

const equalsIgnoringCase: Comparison = (actual, expected, context) =>
  actual.toLowerCase() === literalOf(expected, context)?.toLowerCase()

const like: Comparison = (actual, expected, context) => {
  const pattern = parsePattern(expected, context)
  return pattern !== undefined && matchesPattern(pattern, actual)
}

const arnLike: Comparison = (actual, expected, context) => {
  const pattern = parsePattern(expected, context)
  return pattern !== undefined && matchesArn(pattern, actual)
}

const bool: Comparison = (actual, expected, context) =>
  actual.toLowerCase() === literalOf(expected, context)?.toLowerCase()

function numeric(compare: (actual: number, expected: number) => boolean): Comparison {
  return (actual, expected) => {
    const wanted = Number(expected)
    if (expected.trim() === '' || Number.isNaN(wanted)) {
      throw new InvalidPolicy(
        `condition value ${JSON.stringify(expected)} of a numeric operator is no number`,
      )
    }
    return actual.trim() !== '' && compare(Number(actual), wanted)
  }
}

/**
 * The operators of the IAM user guide, "IAM JSON policy elements: Condition operators", that our templates may use. A negated operator is true
 * when none of its values matches, and when the request has no such key at all. Since 2018 ArnEquals and ArnLike behave identically.
 */
const OPERATORS = new Map<string, { compare: Comparison; negated: boolean }>([
  ['StringEquals', { compare: equals, negated: false }],
  ['StringNotEquals', { compare: equals, negated: true }],
  ['StringEqualsIgnoreCase', { compare: equalsIgnoringCase, negated: false }],
  ['StringNotEqualsIgnoreCase', { compare: equalsIgnoringCase, negated: true }],
  ['StringLike', { compare: like, negated: false }],
  ['StringNotLike', { compare: like, negated: true }],
  ['ArnEquals', { compare: arnLike, negated: false }],
  ['ArnLike', { compare: arnLike, negated: false }],
  ['ArnNotEquals', { compare: arnLike, negated: true }],
  ['ArnNotLike', { compare: arnLike, negated: true }],
  ['Bool', { compare: bool, negated: false }],
  ['NumericEquals', { compare: numeric((a, b) => a === b), negated: false }],
  ['NumericNotEquals', { compare: numeric((a, b) => a === b), negated: true }],
  ['NumericLessThan', { compare: numeric((a, b) => a < b), negated: false }],
  ['NumericLessThanEquals', { compare: numeric((a, b) => a <= b), negated: false }],
  ['NumericGreaterThan', { compare: numeric((a, b) => a > b), negated: false }],
  ['NumericGreaterThanEquals', { compare: numeric((a, b) => a >= b), negated: false }],
])

/**
 * Whether a request meets a Condition element: every operator and every key of it.
 * @throws InvalidPolicy for an operator that is not known here
 */
export function meetsCondition(condition: ConditionBlock, context: RequestContext): boolean {
  // Every operator is looked up even when an earlier one already failed: a misspelt one must never hide.
  return Object.entries(condition)
    .map(([operator, operands]) => meetsOperator(operator, operands, context))
    .every(Boolean)
}

function meetsOperator(name: string, operands: ConditionBlock[string], context: RequestContext): boolean {
  if (name === 'Null') return meetsNull(operands, context)
  const set = /^(?<quantifier>ForAllValues|ForAnyValue):/.exec(name)
  const unquantified = set === null ? name : name.slice(set[0].length)
  const ifExists = unquantified.endsWith('IfExists')
  const operator = OPERATORS.get(ifExists ? unquantified.slice(0, -'IfExists'.length) : unquantified)
  if (operator === undefined) throw new InvalidPolicy(`unknown condition operator ${JSON.stringify(name)}`)
  const quantifier = set?.groups?.['quantifier']
  const whenAbsent = quantifier === undefined ? ifExists || operator.negated : quantifier === 'ForAllValues'
  return Object.entries(operands).every(([key, values]) => {
    const actual = contextValue(key, context)
    if (actual === undefined) return whenAbsent
    const matched = listOf(values).some((value) => operator.compare(actual, String(value), context))
    return matched !== operator.negated
  })
}

/** `"Null": {"s3:if-none-match": "true"}` asks that the key is absent, `"false"` that it is there. */
function meetsNull(operands: ConditionBlock[string], context: RequestContext): boolean {
  return Object.entries(operands).every(([key, values]) =>
    listOf(values).some((value) => {
      const wanted = String(value).toLowerCase()
      if (wanted !== 'true' && wanted !== 'false') {
        throw new InvalidPolicy(
          `condition Null of ${key} must be "true" or "false", not ${JSON.stringify(value)}`,
        )
      }
      return (contextValue(key, context) === undefined) === (wanted === 'true')
    }),
  )
}
