import type { Fault } from '../../finding.ts'
import { objectOf, type Json } from '../../json.ts'
import type { Rule } from '../rule.ts'
import { referencesIn, type Reference, type Resource, type Template } from '../template.ts'
import { specificationOf, type ResourceSpecification } from './properties.ts'

/** Source: CloudFormation user guide, "Pseudo parameters reference". */
const pseudoParameters = [
  'AccountId',
  'NoValue',
  'NotificationARNs',
  'Partition',
  'Region',
  'StackId',
  'StackName',
  'URLSuffix',
]

/** Everything that is referred to is there. */
export function references(specification: ResourceSpecification): Rule {
  return {
    name: 'references',
    *check(template) {
      for (const { id, body } of template.resources.values()) {
        yield* checkReferences(specification, template, id, '', body['Properties'] ?? null)
        for (const to of dependencies(body['DependsOn'])) {
          if (!template.resources.has(to)) yield missing(id, 'DependsOn', `there is no resource ${to}`)
        }
        const { Condition: condition } = body
        if (typeof condition === 'string' && !(condition in objectOf(template.body['Conditions']))) {
          yield missing(id, 'Condition', `there is no condition ${condition}`)
        }
      }
      for (const section of ['Outputs', 'Conditions']) {
        yield* checkReferences(specification, template, section, '', template.body[section] ?? null)
      }
    },
  }
}

function* checkReferences(
  specification: ResourceSpecification,
  template: Template,
  where: string,
  path: string,
  value: Json,
): Generator<Fault> {
  for (const reference of referencesIn(value, path)) {
    const problem = problemOf(specification, template, reference)
    if (problem !== undefined) yield missing(where, reference.path, problem)
  }
}

function missing(where: string, field: string, problem: string): Fault {
  return { where, field, problem, remedy: 'correct the name, or add what it names' }
}

function problemOf(
  specification: ResourceSpecification,
  { body, resources }: Template,
  { kind, to, attribute = '' }: Reference,
): string | undefined {
  if (kind === 'Condition')
    return to in objectOf(body['Conditions']) ? undefined : `there is no condition ${to}`
  if (kind === 'Fn::FindInMap')
    return to in objectOf(body['Mappings']) ? undefined : `there is no mapping ${to}`
  if (
    kind === 'Ref' &&
    (to in objectOf(body['Parameters']) || pseudoParameters.includes(to.replace(/^AWS::/, '')))
  )
    return undefined
  const resource = resources.get(to)
  if (resource === undefined) return `there is no resource ${to}`
  if (kind === 'Ref' || resource.type.startsWith('Custom::')) return undefined
  const known = specificationOf(specification, resource.type)
  if (known === undefined || attribute in known.attributes) return undefined
  const attributes = Object.keys(known.attributes).sort().join(', ')
  return `${to} (${resource.type}) has no attribute ${attribute}, only ${attributes}`
}

function dependencies(value: Json | undefined): string[] {
  return [value].flat().filter((item) => typeof item === 'string')
}

/** The resources that have to be there before this one; names of parameters are among them. */
function neededBy({ body }: Resource): string[] {
  return [
    ...dependencies(body['DependsOn']),
    ...[...referencesIn(body['Properties'] ?? null)].map(({ to }) => to),
  ]
}

/** No resource needs itself, however far around. */
export const cycles: Rule = {
  name: 'cycles',
  *check({ resources }) {
    const finished = new Set<string>()

    function* follow(id: string, way: string[]): Generator<Fault> {
      const resource = resources.get(id)
      if (resource === undefined || finished.has(id)) return
      if (way.includes(id)) {
        const circle = [...way.slice(way.indexOf(id)), id].join(' -> ')
        const remedy =
          'give one of them a name that the others can write down, or move the reference to a resource of its own'
        yield { where: id, field: '', problem: `needs itself: ${circle}`, remedy }
        return
      }
      for (const needed of new Set(neededBy(resource))) yield* follow(needed, [...way, id])
      finished.add(id)
    }

    for (const id of resources.keys()) yield* follow(id, [])
  },
}
