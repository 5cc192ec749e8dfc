import { isObject } from '../json-object.ts'

/** A transformer with something that is not known here. */
export class InvalidInputTransformer extends Error {
  override name = 'InvalidInputTransformer'
}

/** What a rule makes of an event before a target gets it. */
export interface InputTransformer {
  /** name -> `$.detail.text` */
  InputPathsMap?: Record<string, string> | undefined
  InputTemplate: string
}

/** Names that every template has. Source: EventBridge user guide, "Input transformation", reserved variables; those that have a value here. */
const RESERVED = new Set(['aws.events.event', 'aws.events.event.json'])

/**
 * Checks what EventBridge would refuse, and what would mean something else here: paths other than `$.a.b`, variables without a path, templates that are neither
 * a text in quotes nor JSON.
 * @throws InvalidInputTransformer
 */
export function checkInputTransformer({ InputPathsMap = {}, InputTemplate }: InputTransformer): void {
  for (const [name, path] of Object.entries(InputPathsMap)) {
    if (!/^[\w-]+$/.test(name) || name.startsWith('AWS'))
      throw new InvalidInputTransformer(`"${name}" is no name of a variable`)
    if (!/^\$(?:\.[\w-]+)*$/.test(path))
      throw new InvalidInputTransformer(`"${path}": paths here are like $.detail.text`)
  }
  for (const name of variablesOf(InputTemplate))
    if (InputPathsMap[name] === undefined && !RESERVED.has(name))
      throw new InvalidInputTransformer(`<${name}> has no path`)
  const filled = InputTemplate.replaceAll(VARIABLE, '0')
  try {
    JSON.parse(filled)
  } catch {
    throw new InvalidInputTransformer('a template is a text in double quotes, or JSON')
  }
}

const VARIABLE = /<([\w.-]+)>/g

/**
 * What a target gets of an event. In a text, a value stands as it is, without quotes of its own; in JSON it is JSON. One that the event does not have is empty.
 * Source: EventBridge user guide, "Amazon EventBridge input transformation".
 */
export function transformInput(
  { InputPathsMap = {}, InputTemplate }: InputTransformer,
  event: unknown,
): string {
  const isText = InputTemplate.trimStart().startsWith('"')
  return InputTemplate.replaceAll(VARIABLE, (_, name: string) => {
    const value = RESERVED.has(name) ? event : valueAt(event, InputPathsMap[name] ?? '$')
    if (value === undefined) return ''
    return isText && typeof value === 'string' ? value : JSON.stringify(value)
  })
}

function variablesOf(template: string): string[] {
  return [...template.matchAll(VARIABLE)].map(([, name = '']) => name)
}

function valueAt(event: unknown, path: string): unknown {
  return path
    .split('.')
    .slice(1)
    .reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), event)
}
