import { below, isObject, objectOf, stringAt, type Json, type JsonObject } from '../json.ts'

export interface Resource {
  id: string
  type: string
  properties: JsonObject
  /** the resource with Type, DependsOn and the like */
  body: JsonObject
}

/** A CloudFormation template, read leniently: what is missing or of the wrong kind is left out. */
export interface Template {
  body: JsonObject
  resources: Map<string, Resource>
}

export function readTemplate(body: JsonObject): Template {
  const resources = new Map<string, Resource>()
  for (const [id, resource] of Object.entries(objectOf(body['Resources']))) {
    if (!isObject(resource)) continue
    const type = stringAt(resource, 'Type') ?? ''
    resources.set(id, { id, type, properties: objectOf(resource['Properties']), body: resource })
  }
  return { body, resources }
}

export function resourcesOf({ resources }: Template, type: string): Resource[] {
  return [...resources.values()].filter((resource) => resource.type === type)
}

/** A reference from one place of a template to a resource, a parameter, a condition or a mapping. */
export interface Reference {
  /** where it stands */
  path: string
  kind: 'Ref' | 'Fn::GetAtt' | 'Condition' | 'Fn::FindInMap'
  to: string
  attribute?: string
}

/** The one intrinsic function that a value is, or undefined. Source: CloudFormation user guide, "Intrinsic function reference". */
export function intrinsicOf(value: Json): { name: string; argument: Json } | undefined {
  if (!isObject(value)) return undefined
  const [entry, ...more] = Object.entries(value)
  if (entry === undefined || more.length > 0) return undefined
  const [name, argument] = entry
  return name === 'Ref' || name === 'Condition' || name.startsWith('Fn::') ? { name, argument } : undefined
}

/** Every reference in a value, those inside Fn::Sub included. */
export function* referencesIn(value: Json, path = ''): Generator<Reference> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* referencesIn(item, below(path, index))
    return
  }
  if (!isObject(value)) return
  const intrinsic = intrinsicOf(value)
  if (intrinsic !== undefined) {
    yield* ofIntrinsic(intrinsic.name, intrinsic.argument, path)
    return
  }
  for (const [key, item] of Object.entries(value)) yield* referencesIn(item, below(path, key))
}

function* ofIntrinsic(name: string, argument: Json, path: string): Generator<Reference> {
  const [first, ...rest] = Array.isArray(argument) ? argument : [argument]
  if (name === 'Ref' && typeof argument === 'string') yield { path, kind: 'Ref', to: argument }
  else if (name === 'Condition' && typeof argument === 'string')
    yield { path, kind: 'Condition', to: argument }
  else if (name === 'Fn::GetAtt') {
    const [to = '', ...attribute] = typeof argument === 'string' ? argument.split('.') : textsOf(argument)
    yield { path, kind: 'Fn::GetAtt', to, attribute: attribute.join('.') }
  } else if (name === 'Fn::Sub' && typeof first === 'string') {
    const local = objectOf(rest[0])
    yield* ofSubstitution(first, Object.keys(local), path)
    yield* referencesIn(local, path)
  } else {
    const kinds: Record<string, Reference['kind']> = {
      'Fn::If': 'Condition',
      'Fn::FindInMap': 'Fn::FindInMap',
    }
    const kind = kinds[name]
    if (kind !== undefined && typeof first === 'string') yield { path, kind, to: first }
    yield* referencesIn(argument, path)
  }
}

function textsOf(value: Json): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** `${Name}`, `${Name.Attribute}`; `${!Text}` stands for itself. */
function* ofSubstitution(text: string, local: string[], path: string): Generator<Reference> {
  for (const [, name = ''] of text.matchAll(/\$\{([^}]*)\}/g)) {
    if (name.startsWith('!') || local.includes(name)) continue
    const [to = '', ...attribute] = name.trim().split('.')
    if (attribute.length === 0) yield { path, kind: 'Ref', to }
    else yield { path, kind: 'Fn::GetAtt', to, attribute: attribute.join('.') }
  }
}

/** The resource that a value refers to as a whole, by Ref, Fn::GetAtt or a Fn::Sub of nothing else. */
export function referredResource(template: Template, value: Json | undefined): Resource | undefined {
  if (value === undefined) return undefined
  const references = [...referencesIn(value)]
  return references.length === 1 ? template.resources.get(references[0]?.to ?? '') : undefined
}
