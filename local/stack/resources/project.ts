import * as z from 'zod/mini'
import { parseVariables } from '../../codebuild/codebuild-service.ts'
import { projectArn, type Machine } from '../../codebuild/project.ts'
import { generatedName, noEffect, optionalText, resourceType, wholeNumber } from '../resource-type.ts'
import { TemplateError } from '../template.ts'
import type { World } from '../world.ts'

/** Where builds run unless the caller of startStack gives their project a machine. */
const THIS_MACHINE: Machine = { name: 'this machine', wrap: (command) => command }

/** AWS::CodeBuild::Project. What stands for its container is a machine given to startStack; image, size and fleet have no effect. */
export const project = resourceType(
  z.strictObject({
    Name: optionalText,
    ServiceRole: z.string(),
    Source: z.strictObject({
      Type: z.enum(['S3', 'NO_SOURCE']),
      Location: optionalText,
      BuildSpec: optionalText,
    }),
    Environment: z.strictObject({
      Type: z.string(),
      Image: z.string(),
      ComputeType: z.string(),
      PrivilegedMode: z.optional(z.boolean()),
      Fleet: z.optional(z.strictObject({ FleetArn: z.string().check(z.minLength(1)) })),
      EnvironmentVariables: z.optional(z.unknown()),
    }),
    Artifacts: z.strictObject({ Type: z.literal('NO_ARTIFACTS') }),
    TimeoutInMinutes: z._default(wholeNumber, 60),
    QueuedTimeoutInMinutes: z._default(wholeNumber, 480),
    ConcurrentBuildLimit: z.optional(wholeNumber),
    LogsConfig: z.optional(
      z.strictObject({
        CloudWatchLogs: z.optional(
          z.strictObject({ Status: z.literal('ENABLED'), GroupName: optionalText, StreamName: noEffect }),
        ),
      }),
    ),
    Cache: z.optional(z.strictObject({ Type: z.literal('NO_CACHE') })),
    Description: noEffect,
    EncryptionKey: noEffect,
    Tags: noEffect,
  }),
  (logicalId, properties, world) => {
    const name = properties.Name ?? generatedName(world, logicalId)
    const role = world.roles.get(properties.ServiceRole)
    if (role === undefined)
      throw new TemplateError(
        `Resources.${logicalId}: its role ${properties.ServiceRole} is not in the template`,
      )
    const { Source, Environment } = properties
    // Source: CodeBuild user guide, "Run builds on reserved capacity fleets": on-demand fleets do not support macOS.
    if (Environment.Type === 'MAC_ARM' && Environment.Fleet === undefined)
      throw new TemplateError(
        `Resources.${logicalId}: CodeBuild has Macs in fleets alone: MAC_ARM needs Fleet`,
      )
    world.builds.define({
      name,
      role: role.logicalId,
      serviceRoleArn: role.arn,
      source: {
        type: Source.Type,
        ...(Source.Location === undefined ? {} : { location: Source.Location }),
        ...(Source.BuildSpec === undefined ? {} : { buildspec: Source.BuildSpec }),
      },
      environment: {
        type: Environment.Type,
        image: Environment.Image,
        computeType: Environment.ComputeType,
        privilegedMode: Environment.PrivilegedMode ?? false,
        environmentVariables: parseVariables(Environment.EnvironmentVariables ?? []),
      },
      timeoutInMinutes: properties.TimeoutInMinutes,
      queuedTimeoutInMinutes: properties.QueuedTimeoutInMinutes,
      machines: machinesOf(world, logicalId, name),
      ...(properties.ConcurrentBuildLimit === undefined
        ? {}
        : { concurrentBuildLimit: properties.ConcurrentBuildLimit }),
      ...(properties.LogsConfig?.CloudWatchLogs?.GroupName === undefined
        ? {}
        : { logGroup: properties.LogsConfig.CloudWatchLogs.GroupName }),
    })
    return { physicalId: name, attributes: { Arn: projectArn(name) } }
  },
)

function machinesOf(world: World, logicalId: string, name: string): Machine[] {
  const key = [logicalId, name].find((candidate) => world.machines[candidate] !== undefined)
  if (key !== undefined) world.usedMachines.add(key)
  return [world.machines[key ?? ''] ?? THIS_MACHINE].flat()
}
