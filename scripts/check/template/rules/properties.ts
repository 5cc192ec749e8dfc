import type { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec'
import type { Fault } from '../../finding.ts'
import { below, isObject, type Json, type JsonObject } from '../../json.ts'
import { fault, type Rule } from '../rule.ts'
import { intrinsicOf, type Resource } from '../template.ts'

export type ResourceSpecification = ReturnType<typeof loadAwsServiceSpecSync>
type Properties = ReturnType<ResourceSpecification['all']>[number] extends infer Entity
  ? Entity extends { readonly cloudFormationType: string; readonly properties: infer Known }
    ? Known
    : never
  : never
type PropertyType = Properties extends Record<string, { type: infer Type }> ? Type : never

/** Source: CloudFormation user guide, "Resource attribute reference". */
const ofEveryResource = [
  'Type',
  'Properties',
  'DependsOn',
  'Condition',
  'Metadata',
  'CreationPolicy',
  'DeletionPolicy',
  'UpdatePolicy',
  'UpdateReplacePolicy',
]

/** What a resource type looks like; types that a template names itself are all `AWS::CloudFormation::CustomResource`. */
export function specificationOf(specification: ResourceSpecification, type: string) {
  const name = type.startsWith('Custom::') ? 'AWS::CloudFormation::CustomResource' : type
  return specification.lookup('resource', 'cloudFormationType', 'equals', name)[0]
}

/** Resources have the properties that CloudFormation knows, of the type it expects, and all that it requires. */
export function properties(specification: ResourceSpecification): Rule {
  return {
    name: 'properties',
    *check({ resources }) {
      for (const resource of resources.values()) yield* checkResource(specification, resource)
    },
  }
}

function* checkResource(specification: ResourceSpecification, resource: Resource): Generator<Fault> {
  for (const key of Object.keys(resource.body).filter((key) => !ofEveryResource.includes(key))) {
    yield fault(resource, key, `a resource has no ${key}`, `did you mean Properties.${key}?`)
  }
  const known = specificationOf(specification, resource.type)
  if (known === undefined) {
    const problem = `CloudFormation has no resource type '${resource.type}'`
    yield fault(
      resource,
      'Type',
      problem,
      'correct it, or update @aws-cdk/aws-service-spec if the type is new',
    )
    return
  }
  const isCustom = known.cloudFormationType === 'AWS::CloudFormation::CustomResource'
  for (const { field, problem } of checkProperties(
    specification,
    known.properties,
    resource.properties,
    '',
    isCustom,
  )) {
    yield fault(resource, field, problem, '')
  }
}

interface Problem {
  field: string
  problem: string
}

function* checkProperties(
  specification: ResourceSpecification,
  known: Properties,
  given: JsonObject,
  path: string,
  mayHaveMore = false,
): Generator<Problem> {
  for (const [key, property] of Object.entries(known)) {
    const isGiven = key in given && !isNoValue(given[key] ?? null)
    if (property.required === true && !isGiven)
      yield { field: below(path, key), problem: `${key} is required` }
  }
  for (const [key, value] of Object.entries(given)) {
    const field = below(path, key)
    const property = known[key]
    if (property !== undefined) {
      const types = [property.type, ...(property.previousTypes ?? [])]
      yield* checkAlternatives(specification, types, value, field)
    } else if (!mayHaveMore) {
      yield {
        field,
        problem: `there is no property ${key} here: use one of ${Object.keys(known).sort().join(', ')}`,
      }
    }
  }
}

function isNoValue(value: Json): boolean {
  const intrinsic = intrinsicOf(value)
  return intrinsic?.name === 'Ref' && intrinsic.argument === 'AWS::NoValue'
}

/** One of several types has to fit; when none does, what the first says that at least has the right form. */
function* checkAlternatives(
  specification: ResourceSpecification,
  types: PropertyType[],
  value: Json,
  field: string,
): Generator<Problem> {
  const problems = types.map((type) => [...checkValue(specification, type, value, field)])
  if (problems.some((found) => found.length === 0)) return
  yield* problems.find((found) => found.every((problem) => problem.field !== field)) ?? problems[0] ?? []
}

function* checkValue(
  specification: ResourceSpecification,
  type: PropertyType,
  value: Json,
  field: string,
): Generator<Problem> {
  const intrinsic = intrinsicOf(value)
  if (intrinsic !== undefined) {
    // Fn::If alone has values of the property's type inside; what the others give is known only at deployment.
    const [, ...branches] =
      intrinsic.name === 'Fn::If' && Array.isArray(intrinsic.argument) ? intrinsic.argument : []
    for (const branch of branches) yield* checkValue(specification, type, branch, field)
  } else if (type.type === 'union') {
    yield* checkAlternatives(specification, type.types, value, field)
  } else if (type.type === 'array') {
    if (!Array.isArray(value)) yield { field, problem: 'a list is expected here' }
    else
      for (const [index, item] of value.entries())
        yield* checkValue(specification, type.element, item, below(field, index))
  } else if (type.type === 'map' || type.type === 'ref' || type.type === 'tag') {
    if (!isObject(value)) yield { field, problem: 'an object is expected here' }
    else if (type.type === 'map') {
      for (const [key, item] of Object.entries(value))
        yield* checkValue(specification, type.element, item, below(field, key))
    } else if (type.type === 'ref') {
      const definition = specification.get('typeDefinition', type.reference.$ref)
      yield* checkProperties(specification, definition.properties, value, field)
    } else if (Object.keys(value).sort().join() !== 'Key,Value')
      yield { field, problem: 'a tag has Key and Value' }
  } else yield* checkScalar(type, value, field)
}

/** CloudFormation converts between strings, numbers and booleans wherever the text allows it. */
function* checkScalar(type: PropertyType, value: Json, field: string): Generator<Problem> {
  if (type.type === 'json') {
    if (typeof value === 'number' || typeof value === 'boolean')
      yield { field, problem: 'an object is expected here' }
    return
  }
  if (value === null || typeof value === 'object') {
    yield { field, problem: `the type is ${type.type}` }
    return
  }
  const text = String(value)
  const forms: Record<string, RegExp> = {
    integer: /^-?\d+$/,
    number: /^-?\d+(\.\d+)?$/,
    boolean: /^(true|false)$/,
  }
  if (forms[type.type]?.test(text) === false) {
    yield { field, problem: `the type is ${type.type}, and this is '${text}'` }
  } else if ('allowedValues' in type && type.allowedValues !== undefined) {
    const allowed = type.allowedValues.map(String)
    if (!allowed.includes(text)) yield { field, problem: `'${text}' is not one of ${allowed.join(', ')}` }
  }
}
