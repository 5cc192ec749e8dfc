import { ACCOUNT, REGION } from '../gateway/service.ts'
import { resolveCondition, resolveValue, type Scope } from './intrinsics.ts'
import { creationOrder } from './order.ts'
import type { Created } from './resource-type.ts'
import { findResourceType } from './resource-types.ts'
import { TemplateError, type Template, type Value } from './template.ts'
import type { World } from './world.ts'

export interface ProvisionedStack {
  resources: Map<string, Created & { type: string }>
  outputs: Record<string, string>
}

/**
 * Brings up the resources of a template, each after what it refers to.
 * @param parameters override the template's defaults
 * @throws TemplateError naming the first thing that cannot be brought up: an unknown type, property, intrinsic function or reference
 */
export async function provision(
  template: Template,
  parameters: Record<string, string>,
  world: World,
  onResource: (logicalId: string, type: string) => void,
): Promise<ProvisionedStack> {
  const resources: ProvisionedStack['resources'] = new Map()
  const scope = createScope(template, parameters, world, resources)
  const exists = (condition: string | undefined): boolean =>
    condition === undefined || scope.condition(condition)
  checkTypes(template)

  for (const logicalId of creationOrder(template)) {
    const definition = template.Resources[logicalId]
    if (definition === undefined || !exists(definition.Condition)) continue
    const create = findResourceType(definition.Type)
    if (create === undefined) throw unknownType(logicalId, definition.Type)
    const properties = resolveValue(definition.Properties ?? {}, scope, `Resources.${logicalId}`)
    const created = await create(logicalId, properties, world)
    resources.set(logicalId, { ...created, type: definition.Type })
    onResource(logicalId, definition.Type)
  }

  const outputs: Record<string, string> = {}
  for (const [name, output] of Object.entries(template.Outputs ?? {})) {
    if (!exists(output.Condition)) continue
    const value = resolveValue(output.Value, scope, `Outputs.${name}`)
    outputs[name] = typeof value === 'string' ? value : JSON.stringify(value)
  }
  return { resources, outputs }
}

/** Every unknown type at once, before anything is brought up. */
function checkTypes(template: Template): void {
  const unknown = Object.entries(template.Resources).filter(
    ([, { Type }]) => findResourceType(Type) === undefined,
  )
  if (unknown.length > 0)
    throw new TemplateError(
      `the local stack does not know these resource types: ${unknown.map(([id, { Type }]) => `${Type} (${id})`).join(', ')}`,
    )
}

function unknownType(logicalId: string, type: string): TemplateError {
  return new TemplateError(`Resources.${logicalId}: the local stack does not know ${type}`)
}

function createScope(
  template: Template,
  overrides: Record<string, string>,
  world: World,
  resources: ProvisionedStack['resources'],
): Scope {
  const parameters = parameterValues(template, overrides)
  const pseudo: Record<string, Value> = {
    'AWS::AccountId': ACCOUNT,
    'AWS::Partition': 'aws',
    'AWS::Region': REGION,
    'AWS::StackId': world.stackArn,
    'AWS::StackName': world.stackName,
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::NotificationARNs': [],
  }
  const scope: Scope = {
    region: REGION,
    ref(name) {
      const value = pseudo[name] ?? parameters[name] ?? resources.get(name)?.physicalId
      if (value === undefined) throw new TemplateError(`Ref: there is no parameter or resource "${name}"`)
      return value
    },
    attribute(logicalId, attribute) {
      const resource = resources.get(logicalId)
      if (resource === undefined) throw new TemplateError(`Fn::GetAtt: there is no resource "${logicalId}"`)
      const value = resource.attributes?.[attribute]
      if (value === undefined)
        throw new TemplateError(
          `Fn::GetAtt: ${logicalId} (${resource.type}) has no attribute "${attribute}" here; it has ${Object.keys(resource.attributes ?? {}).join(', ') || 'none'}`,
        )
      return value
    },
    condition(name) {
      const condition = template.Conditions?.[name]
      if (condition === undefined) throw new TemplateError(`there is no condition "${name}"`)
      return resolveCondition(condition, scope, `Conditions.${name}`)
    },
    mapping(map, top, second) {
      const value = template.Mappings?.[map]?.[top]?.[second]
      if (value === undefined) throw new TemplateError(`Fn::FindInMap: there is no ${map}.${top}.${second}`)
      return value
    },
  }
  return scope
}

function parameterValues(template: Template, overrides: Record<string, string>): Record<string, Value> {
  const declared = template.Parameters ?? {}
  const unknown = Object.keys(overrides).find((name) => declared[name] === undefined)
  if (unknown !== undefined) throw new TemplateError(`the template has no parameter "${unknown}"`)
  const values: Record<string, Value> = {}
  for (const [name, parameter] of Object.entries(declared)) {
    const value = overrides[name] ?? parameter.Default
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new TemplateError(`parameter "${name}" has neither a value nor a default`)
    const allowed = parameter.AllowedValues
    if (allowed !== undefined && !allowed.some((one) => JSON.stringify(one) === JSON.stringify(value)))
      throw new TemplateError(`parameter "${name}": ${value} is not an allowed value`)
    // A parameter is a string wherever it is used, also a number. Source: CloudFormation user guide, "Parameters".
    values[name] = parameter.Type === 'CommaDelimitedList' ? String(value).split(/ *, */) : String(value)
  }
  return values
}
