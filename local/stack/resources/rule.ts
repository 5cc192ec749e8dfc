import * as z from 'zod/mini'
import { checkInputTransformer, type InputTransformer } from '../../events/input-transformer.ts'
import { matchesEventPattern } from '../../events/event-pattern.ts'
import { ACCOUNT, REGION } from '../../gateway/service.ts'
import { isObject } from '../../json-object.ts'
import { generatedName, noEffect, optionalText, resourceType } from '../resource-type.ts'
import { TemplateError } from '../template.ts'

const State = z._default(z.enum(['ENABLED', 'DISABLED']), 'ENABLED')

/** The only source of AWS's own events that the local stack has; others put theirs on the bus. */
const SOURCE = 'aws.states'

/** AWS::Events::Rule: on Step Functions' status changes, on what somebody puts on the bus, or on a schedule, which is fired by hand here. */
export const rule = resourceType(
  z.strictObject({
    Name: optionalText,
    EventPattern: z.optional(z.record(z.string(), z.unknown())),
    ScheduleExpression: optionalText,
    State,
    Targets: z.array(
      z.strictObject({
        Arn: z.string(),
        Id: z.string(),
        RoleArn: optionalText,
        Input: optionalText,
        InputTransformer: z.optional(
          z.strictObject({
            InputPathsMap: z.optional(z.record(z.string(), z.string())),
            InputTemplate: z.string(),
          }),
        ),
        // delivery does not fail here
        RetryPolicy: noEffect,
        DeadLetterConfig: noEffect,
      }),
    ),
    Description: noEffect,
  }),
  (logicalId, properties, world) => {
    const name = properties.Name ?? generatedName(world, logicalId)
    const arn = `arn:aws:events:${REGION}:${ACCOUNT}:rule/${name}`
    const { EventPattern: pattern, ScheduleExpression: schedule } = properties
    if (pattern !== undefined) checkPattern(logicalId, pattern)
    for (const target of properties.Targets) checkTarget(logicalId, target)
    world.rules.push({
      logicalId,
      arn,
      principal: 'events.amazonaws.com',
      enabled: properties.State === 'ENABLED',
      ...(pattern === undefined ? {} : { pattern }),
      ...(schedule === undefined ? {} : { schedule }),
      targets: properties.Targets.map((target) => ({
        arn: target.Arn,
        ...(target.RoleArn === undefined ? {} : { roleArn: target.RoleArn }),
        ...(target.Input === undefined ? {} : { input: target.Input }),
        ...(target.InputTransformer === undefined ? {} : { transformer: target.InputTransformer }),
      })),
    })
    return { physicalId: name, attributes: { Arn: arn } }
  },
)

/** AWS::Scheduler::Schedule: fired by hand here. */
export const schedule = resourceType(
  z.strictObject({
    Name: optionalText,
    ScheduleExpression: z.string(),
    State,
    Target: z.strictObject({
      Arn: z.string(),
      RoleArn: z.string(),
      Input: optionalText,
      RetryPolicy: noEffect,
      DeadLetterConfig: noEffect,
    }),
    ScheduleExpressionTimezone: noEffect,
    FlexibleTimeWindow: noEffect,
    GroupName: noEffect,
    Description: noEffect,
  }),
  (logicalId, properties, world) => {
    const name = properties.Name ?? generatedName(world, logicalId)
    const arn = `arn:aws:scheduler:${REGION}:${ACCOUNT}:schedule/default/${name}`
    const { Arn, RoleArn, Input } = properties.Target
    world.rules.push({
      logicalId,
      arn,
      principal: 'scheduler.amazonaws.com',
      enabled: properties.State === 'ENABLED',
      schedule: properties.ScheduleExpression,
      targets: [{ arn: Arn, roleArn: RoleArn, ...(Input === undefined ? {} : { input: Input }) }],
    })
    return { physicalId: name, attributes: { Arn: arn } }
  },
)

/** A rule that would never match here, or that says something unknown, is refused at deployment. */
function checkPattern(logicalId: string, pattern: Record<string, unknown>): void {
  const sources: unknown = pattern['source']
  const isKnown = (source: unknown): boolean =>
    source === SOURCE || (typeof source === 'string' && !source.startsWith('aws.'))
  if (!Array.isArray(sources) || !sources.some(isKnown))
    throw new TemplateError(
      `Resources.${logicalId}: of AWS's own events the local stack has those of the source ${SOURCE} only`,
    )
  asTemplateError(logicalId, () => matchesEventPattern(pattern, {}))
}

function checkTarget(
  logicalId: string,
  {
    Input,
    InputTransformer,
  }: { Input?: string | undefined; InputTransformer?: InputTransformer | undefined },
): void {
  if (InputTransformer === undefined) return
  if (Input !== undefined)
    throw new TemplateError(`Resources.${logicalId}: a target has either Input or InputTransformer`)
  asTemplateError(logicalId, () => checkInputTransformer(InputTransformer))
}

function asTemplateError(logicalId: string, check: () => unknown): void {
  try {
    check()
  } catch (error) {
    throw new TemplateError(
      `Resources.${logicalId}: ${isObject(error) ? String(error['message']) : String(error)}`,
    )
  }
}
