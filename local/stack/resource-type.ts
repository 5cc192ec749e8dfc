import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import { TemplateError } from './template.ts'
import type { World } from './world.ts'

/** What a resource has become. */
export interface Created {
  /** what `Ref` gives */
  physicalId: string
  /** what `Fn::GetAtt` gives */
  attributes?: Record<string, string>
}

/** Brings up a resource of one type from its resolved properties. */
export type ResourceType = (logicalId: string, properties: unknown, world: World) => Promise<Created>

/**
 * Defines a resource type by the properties that it takes. A property that is not listed is an error: it would work on AWS and not here, or
 * the reverse. One that has no effect on one machine is listed with `noEffect`.
 */
export function resourceType<P>(
  schema: z.ZodMiniType<P>,
  create: (logicalId: string, properties: P, world: World) => Created | Promise<Created>,
): ResourceType {
  return async (logicalId, properties, world) => {
    const parsed = z.safeParse(schema, properties)
    if (!parsed.success)
      throw new TemplateError(`Resources.${logicalId}: ${parsed.error.issues.map(explain).join('; ')}`)
    return create(logicalId, parsed.data, world)
  }
}

/** zod/mini carries no texts of its own. */
function explain(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.') || 'Properties'
  if (issue.code === 'unrecognized_keys')
    return `${where}: the local stack does not know ${issue.keys.join(', ')}`
  if (issue.code === 'invalid_type') return `${where}: it has to be of type ${issue.expected}`
  if (issue.code === 'invalid_value') return `${where}: it has to be ${issue.values.join(' or ')}`
  return `${where}: ${issue.message}`
}

/** A property that AWS acts on and this stack need not. */
export const noEffect = z.optional(z.unknown())
export const optionalText = z.optional(z.string())
/** CloudFormation takes numbers as strings, too. */
export const wholeNumber = z.pipe(
  z.union([z.number(), z.string()]),
  z.transform((value) => Number(value)),
)

/** The name that CloudFormation makes up for a resource that has none: the same for the same stack and resource. */
export function generatedName(world: World, logicalId: string): string {
  return `${world.stackName}-${logicalId}-${idOf(`${world.stackName}/${logicalId}`, 12)}`
}

/** `length` letters and digits in upper case, made of the text's hash. */
export function idOf(text: string, length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  return [...createHash('sha256').update(text).digest()]
    .map((byte) => alphabet[byte % 32])
    .join('')
    .slice(0, length)
}
