import { isObject } from '../json-object.ts'

/** A pattern with something that is not known here. */
export class InvalidEventPattern extends Error {
  override name = 'InvalidEventPattern'
}

/**
 * Whether an event matches an EventBridge pattern: every key of the pattern is in the event, with one of the listed values or matching one
 * of the listed conditions. Known conditions: `prefix`, `suffix`, `anything-but` (values), `exists`.
 * Source: EventBridge user guide, "Creating event patterns".
 * @throws InvalidEventPattern
 */
export function matchesEventPattern(pattern: unknown, event: unknown): boolean {
  if (!isObject(pattern)) throw new InvalidEventPattern('an event pattern is an object')
  return Object.entries(pattern)
    .map(([key, expected]) => {
      const actual = isObject(event) ? event[key] : undefined
      if (!Array.isArray(expected)) return matchesEventPattern(expected, actual)
      if (expected.length === 0) throw new InvalidEventPattern(`"${key}" lists no value`)
      return expected.map((one: unknown) => matchesOne(one, actual, key)).some(Boolean)
    })
    .every(Boolean)
}

function matchesOne(expected: unknown, actual: unknown, key: string): boolean {
  const candidates: unknown[] = Array.isArray(actual) ? actual : [actual]
  if (!isObject(expected)) return candidates.includes(expected)
  const [condition, ...more] = Object.entries(expected)
  if (condition === undefined || more.length > 0)
    throw new InvalidEventPattern(`"${key}": a condition has exactly one key`)
  const [name, operand] = condition
  switch (name) {
    case 'prefix':
      return candidates.some((value) => typeof value === 'string' && value.startsWith(textOf(operand, key)))
    case 'suffix':
      return candidates.some((value) => typeof value === 'string' && value.endsWith(textOf(operand, key)))
    case 'anything-but': {
      const values: unknown[] = Array.isArray(operand) ? operand : [operand]
      if (values.some(isObject)) throw new InvalidEventPattern(`"${key}": anything-but takes values here`)
      return actual !== undefined && candidates.every((value) => !values.includes(value))
    }
    case 'exists':
      return (actual !== undefined) === operand
    default:
      throw new InvalidEventPattern(`"${key}": unknown condition "${name}"`)
  }
}

function textOf(value: unknown, key: string): string {
  if (typeof value !== 'string') throw new InvalidEventPattern(`"${key}": prefix and suffix take a string`)
  return value
}
