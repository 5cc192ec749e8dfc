import {
  CreateActivityCommand,
  CreateStateMachineCommand,
  DescribeStateMachineCommand,
  StateMachineDoesNotExist,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn'
import * as z from 'zod/mini'
import { ACCOUNT, REGION } from '../../gateway/service.ts'
import { generatedName, noEffect, optionalText, resourceType } from '../resource-type.ts'
import { TemplateError } from '../template.ts'
import type { World } from '../world.ts'

/** AWS::StepFunctions::StateMachine. One that the folder has from an earlier start is updated, and keeps its executions. */
export const stateMachine = resourceType(
  z.strictObject({
    StateMachineName: optionalText,
    StateMachineType: z.optional(z.literal('STANDARD')),
    RoleArn: z.string(),
    Definition: z.optional(z.record(z.string(), z.unknown())),
    DefinitionString: optionalText,
    DefinitionSubstitutions: z.optional(z.record(z.string(), z.string())),
    LoggingConfiguration: noEffect,
    TracingConfiguration: noEffect,
    Tags: noEffect,
  }),
  async (logicalId, properties, world) => {
    const name = properties.StateMachineName ?? generatedName(world, logicalId)
    const text = properties.DefinitionString ?? JSON.stringify(properties.Definition)
    if (text === undefined) throw new TemplateError(`Resources.${logicalId}: it has no Definition`)
    const definition = substitute(logicalId, text, properties.DefinitionSubstitutions ?? {})
    const arn = `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:${name}`
    await createOrUpdate(world, { arn, name, definition, roleArn: properties.RoleArn }, logicalId)
    return { physicalId: arn, attributes: { Arn: arn, Name: name } }
  },
)

/** AWS::StepFunctions::Activity. */
export const activity = resourceType(
  z.strictObject({ Name: z.string(), EncryptionConfiguration: noEffect, Tags: noEffect }),
  async (_, { Name }, world) => {
    const { activityArn = '' } = await world.states.send(new CreateActivityCommand({ name: Name }))
    return { physicalId: activityArn, attributes: { Arn: activityArn, Name } }
  },
)

/** Replaces `${Name}` by its value, as text within a JSON string. */
function substitute(logicalId: string, definition: string, substitutions: Record<string, string>): string {
  return definition.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = substitutions[name]
    if (value === undefined)
      throw new TemplateError(
        `Resources.${logicalId}: its definition has \${${name}}, which DefinitionSubstitutions does not`,
      )
    return JSON.stringify(value).slice(1, -1)
  })
}

interface Wanted {
  arn: string
  name: string
  definition: string
  roleArn: string
}

async function createOrUpdate(world: World, wanted: Wanted, logicalId: string): Promise<void> {
  const { arn: stateMachineArn, name, definition, roleArn } = wanted
  try {
    const known = await describe(world, stateMachineArn)
    if (known === undefined)
      await world.states.send(new CreateStateMachineCommand({ name, definition, roleArn }))
    else if (known.definition !== definition || known.roleArn !== roleArn)
      await world.states.send(new UpdateStateMachineCommand({ stateMachineArn, definition, roleArn }))
  } catch (error) {
    if (error instanceof Error && error.name === 'InvalidDefinition')
      throw new TemplateError(`Resources.${logicalId}: ${error.message}`)
    throw error
  }
}

async function describe(world: World, stateMachineArn: string): Promise<Partial<Wanted> | undefined> {
  try {
    const { definition = '', roleArn = '' } = await world.states.send(
      new DescribeStateMachineCommand({ stateMachineArn }),
    )
    return { definition, roleArn }
  } catch (error) {
    if (error instanceof StateMachineDoesNotExist) return undefined
    throw error
  }
}
