import { TemplateError, type Value } from './template.ts'

/** What intrinsic functions can refer to. */
export interface Scope {
  /** `Ref`: a parameter, a pseudo parameter or the physical id of a resource */
  ref(name: string): Value
  /** `Fn::GetAtt` */
  attribute(logicalId: string, attribute: string): Value
  /** a condition by its name */
  condition(name: string): boolean
  /** `Fn::FindInMap` */
  mapping(map: string, top: string, second: string): Value
  region: string
}

/** What `Ref: AWS::NoValue` gives: the property is as if it were not written. */
const NO_VALUE = Symbol('AWS::NoValue')
type Resolved = Value | typeof NO_VALUE
/** One intrinsic function: `resolve` resolves a nested value. */
type Intrinsic = (argument: Value, scope: Scope, resolve: (value: Value) => Value) => Resolved

/**
 * Replaces every intrinsic function by its value.
 * Source: CloudFormation template reference, "Intrinsic functions".
 * @param where names the place in error messages: `Resources.Webhook.Environment`
 * @throws TemplateError for an unknown function, and for one with arguments of another form
 */
export function resolveValue(value: Value, scope: Scope, where: string): Value {
  const resolved = resolveAny(value, scope, where)
  return resolved === NO_VALUE ? null : resolved
}

function resolveAny(value: Value, scope: Scope, where: string): Resolved {
  if (Array.isArray(value))
    return value
      .map((item, index) => resolveAny(item, scope, `${where}[${index}]`))
      .filter((item): item is Value => item !== NO_VALUE)
  if (typeof value === 'string' && value.includes('{{resolve:'))
    throw new TemplateError(`${where}: dynamic references ({{resolve:…}}) are not known to the local stack`)
  if (!isObject(value)) return value
  const name = intrinsicName(value, where)
  if (name === undefined) {
    const members: Record<string, Value> = {}
    for (const [key, member] of Object.entries(value)) {
      const resolved = resolveAny(member, scope, `${where}.${key}`)
      if (resolved !== NO_VALUE) members[key] = resolved
    }
    return members
  }
  const intrinsic = INTRINSICS[name]
  if (intrinsic === undefined) throw new TemplateError(`${where}: unknown intrinsic function "${name}"`)
  try {
    return intrinsic(value[name] ?? null, scope, (nested) => resolveValue(nested, scope, where))
  } catch (error) {
    if (!(error instanceof TemplateError) || error.message.startsWith(where)) throw error
    throw new TemplateError(`${where}: ${error.message}`)
  }
}

/** The function's name, when an object is a call of one; every key that looks like one has to be alone. */
function intrinsicName(value: Record<string, Value>, where: string): string | undefined {
  const keys = Object.keys(value)
  // "Condition" is a condition's name only inside Fn::And, Fn::Or, Fn::Not; in an IAM statement it is a plain property.
  const name = keys.find((key) => key === 'Ref' || key.startsWith('Fn::'))
  if (name !== undefined && keys.length !== 1)
    throw new TemplateError(`${where}: ${name} has to be the only key of its object`)
  return name
}

const INTRINSICS: Record<string, Intrinsic> = {
  Ref: (name, scope) => (name === 'AWS::NoValue' ? NO_VALUE : scope.ref(text(name, 'Ref'))),
  'Fn::GetAtt': (argument, scope, resolve) => {
    const [logicalId, attribute] =
      typeof argument === 'string' ? splitOnce(argument) : list(argument, 'Fn::GetAtt', 2)
    return scope.attribute(
      text(logicalId ?? null, 'Fn::GetAtt'),
      text(resolve(attribute ?? null), 'Fn::GetAtt'),
    )
  },
  'Fn::Sub': (argument, scope, resolve) => {
    const [template, variables]: Value[] =
      typeof argument === 'string' ? [argument, {}] : list(argument, 'Fn::Sub', 2)
    if (!isObject(variables)) throw new TemplateError('Fn::Sub: the second argument has to be an object')
    return substitute(text(template ?? null, 'Fn::Sub'), (name) => {
      const own = variables[name]
      if (own !== undefined) return resolve(own)
      if (!name.includes('.')) return scope.ref(name)
      const [logicalId, attribute] = splitOnce(name)
      return scope.attribute(logicalId, attribute)
    })
  },
  'Fn::Join': (argument, _, resolve) => {
    const [separator, items] = list(argument, 'Fn::Join', 2)
    const parts = resolve(items ?? null)
    if (!Array.isArray(parts)) throw new TemplateError('Fn::Join: the second argument has to be a list')
    return parts.map((part) => text(part, 'Fn::Join')).join(text(separator ?? null, 'Fn::Join'))
  },
  'Fn::Select': (argument, _, resolve) => {
    const [index, items] = list(argument, 'Fn::Select', 2)
    const choices = resolve(items ?? null)
    const chosen = Array.isArray(choices) ? choices[Number(resolve(index ?? null))] : undefined
    if (chosen === undefined) throw new TemplateError(`Fn::Select: there is no item ${JSON.stringify(index)}`)
    return chosen
  },
  'Fn::Split': (argument, _, resolve) => {
    const [separator, source] = list(argument, 'Fn::Split', 2)
    return text(resolve(source ?? null), 'Fn::Split').split(text(separator ?? null, 'Fn::Split'))
  },
  'Fn::FindInMap': (argument, scope, resolve) => {
    const [map, top, second] = list(argument, 'Fn::FindInMap', 3).map((part) =>
      text(resolve(part), 'Fn::FindInMap'),
    )
    return scope.mapping(map ?? '', top ?? '', second ?? '')
  },
  'Fn::Base64': (argument, _, resolve) =>
    Buffer.from(text(resolve(argument), 'Fn::Base64')).toString('base64'),
  'Fn::GetAZs': (argument, scope, resolve) => {
    const region = text(resolve(argument), 'Fn::GetAZs') || scope.region
    return ['a', 'b', 'c'].map((zone) => region + zone)
  },
  'Fn::If': (argument, scope, resolve) => {
    const [condition, whenTrue, whenFalse] = list(argument, 'Fn::If', 3)
    const branch = (scope.condition(text(condition ?? null, 'Fn::If')) ? whenTrue : whenFalse) ?? null
    return isObject(branch) && branch['Ref'] === 'AWS::NoValue' ? NO_VALUE : resolve(branch)
  },
}

/**
 * The value of a condition.
 * @throws TemplateError for anything but Fn::Equals, Fn::Not, Fn::And, Fn::Or and a reference to another condition
 */
export function resolveCondition(value: Value, scope: Scope, where: string): boolean {
  const keys = isObject(value) ? Object.keys(value) : []
  const name = keys[0]
  if (!isObject(value) || name === undefined || keys.length !== 1)
    throw new TemplateError(`${where}: a condition is an object with one function`)
  const argument = value[name] ?? null
  const nested = (): boolean[] => {
    if (!Array.isArray(argument)) throw new TemplateError(`${where}: ${name} takes a list of conditions`)
    return argument.map((item) => resolveCondition(item, scope, where))
  }
  switch (name) {
    case 'Condition':
      return scope.condition(text(argument, where))
    case 'Fn::Equals': {
      const [left, right] = list(argument, name, 2).map((item) =>
        text(resolveValue(item, scope, where), name),
      )
      return left === right
    }
    case 'Fn::Not':
      return !nested()[0]
    case 'Fn::And':
      return nested().every(Boolean)
    case 'Fn::Or':
      return nested().some(Boolean)
    default:
      throw new TemplateError(`${where}: unknown condition function "${name}"`)
  }
}

/** The resources that a value refers to, whether or not a condition makes use of it. */
export function referencesOf(value: Value, found: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) for (const item of value) referencesOf(item, found)
  if (!isObject(value)) return found
  for (const [key, argument] of Object.entries(value)) {
    if (key === 'Ref' && typeof argument === 'string') found.add(argument)
    else if (key === 'Fn::GetAtt') {
      const id =
        typeof argument === 'string' ? splitOnce(argument)[0] : Array.isArray(argument) ? argument[0] : ''
      if (typeof id === 'string') found.add(id)
    } else if (key === 'Fn::Sub') {
      const template = Array.isArray(argument) ? argument[0] : argument
      if (typeof template === 'string')
        substitute(template, (name) => {
          found.add(splitOnce(name)[0])
          return ''
        })
    }
    referencesOf(argument, found)
  }
  return found
}

/** Replaces `${Name}`; `${!Name}` stands for a literal `${Name}`. */
function substitute(template: string, value: (name: string) => Value): string {
  return template.replace(/\$\{(!?)([^}]*)\}/g, (_, literal: string, name: string) =>
    literal === '!' ? `\${${name}}` : text(value(name.trim()), `Fn::Sub \${${name}}`),
  )
}

function splitOnce(dotted: string): [string, string] {
  const dot = dotted.indexOf('.')
  return dot === -1 ? [dotted, ''] : [dotted.slice(0, dot), dotted.slice(dot + 1)]
}

function list(value: Value, what: string, length: number): Value[] {
  if (!Array.isArray(value) || value.length !== length)
    throw new TemplateError(`${what} takes a list of ${length}`)
  return value
}

function text(value: Value, what: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new TemplateError(`${what}: ${JSON.stringify(value)} is no string`)
}

function isObject(value: Value | undefined): value is { [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
