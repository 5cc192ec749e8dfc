import { below, isObject, objectsOf, stringsIn, type Json } from '../json.ts'
import type { PlacedState } from './machine.ts'

/** A text in a state that is a JSONata expression, or looks like one. */
export interface Text {
  field: string
  text: string
  /** false where Step Functions reads the text as it stands */
  isEvaluated: boolean
  /** what `$states` has at this place */
  states: string[]
}

export interface Expression extends Text {
  /** what stands between `{%` and `%}` */
  source: string
}

const evaluated = [
  'Arguments',
  'Output',
  'Assign',
  'Items',
  'ItemSelector',
  'MaxConcurrency',
  'Seconds',
  'Timestamp',
  'TimeoutSeconds',
  'HeartbeatSeconds',
  'Error',
  'Cause',
]
const always = ['input', 'context']

/** Every text of a state that is not part of a state inside it. */
export function textsOf({ type, state }: PlacedState): Text[] {
  const texts: Text[] = []

  function read(value: Json | undefined, field: string, states: string[], isEvaluated = true): void {
    if (value === undefined) return
    for (const { path, text, isKey } of stringsIn(value, field)) {
      texts.push({ field: path, text, isEvaluated: isEvaluated && !isKey, states })
    }
  }

  const hasResult = ['Task', 'Map', 'Parallel'].includes(type)
  for (const [key, value] of Object.entries(state)) {
    if (key === 'Branches') continue
    if (key === 'ItemProcessor') {
      if (isObject(value))
        read(value['ProcessorConfig'] ?? null, 'ItemProcessor.ProcessorConfig', always, false)
    } else if (key === 'Catch' || key === 'Choices') {
      const states = key === 'Catch' ? [...always, 'errorOutput'] : always
      for (const { index, object } of objectsOf(value)) {
        for (const [part, inner] of Object.entries(object)) {
          const isEvaluated = ['Output', 'Assign', 'Condition'].includes(part)
          read(inner, below(below(key, index), part), states, isEvaluated)
        }
      }
    } else {
      const states = hasResult && ['Output', 'Assign'].includes(key) ? [...always, 'result'] : always
      read(value, key, states, evaluated.includes(key))
    }
  }
  return texts
}

/** The expressions of a state. */
export function expressionsOf(placed: PlacedState): Expression[] {
  return textsOf(placed).flatMap((text) => {
    const source = text.isEvaluated ? sourceOf(text.text) : undefined
    return source === undefined ? [] : [{ ...text, source }]
  })
}

/** What stands between the delimiters, which are the first and last characters of the text: Step Functions trims nothing. */
function sourceOf(text: string): string | undefined {
  return text.length >= 4 && text.startsWith('{%') && text.endsWith('%}') ? text.slice(2, -2) : undefined
}

/** Whether somebody meant an expression, and Step Functions does not see one. */
export function isMisplaced({ text, isEvaluated }: Text): boolean {
  const looksLikeOne = text.includes('{%') || text.trimEnd().endsWith('%}')
  return looksLikeOne && (!isEvaluated || sourceOf(text) === undefined)
}
