import * as z from 'zod/mini'
import { checkPolicyDocument } from '../../gateway/policy-document.ts'
import { evaluatePolicies, InvalidPolicy, type PolicyDocument } from '../../gateway/policy.ts'
import { ACCOUNT } from '../../gateway/service.ts'
import { generatedName, idOf, noEffect, optionalText, resourceType } from '../resource-type.ts'
import { TemplateError } from '../template.ts'

/** The managed policies that a template may name, as AWS publishes them. */
const MANAGED_POLICIES: Record<string, PolicyDocument> = {
  'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole': {
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: '*',
    },
  },
}

const InlinePolicy = z.strictObject({ PolicyName: z.string(), PolicyDocument: z.unknown() })

/** AWS::IAM::Role: what the gateway evaluates on every call. Who may assume it is not checked: the stack itself hands out credentials. */
export const role = resourceType(
  z.strictObject({
    RoleName: optionalText,
    Policies: z.optional(z.array(InlinePolicy)),
    ManagedPolicyArns: z.optional(z.array(z.string())),
    AssumeRolePolicyDocument: noEffect,
    Description: noEffect,
    MaxSessionDuration: noEffect,
    Tags: noEffect,
  }),
  (logicalId, properties, world) => {
    const name = properties.RoleName ?? generatedName(world, logicalId)
    const arn = `arn:aws:iam::${ACCOUNT}:role/${name}`
    const id = `AROA${idOf(arn, 17)}`
    const policies = [
      ...(properties.Policies ?? []).map((policy) =>
        checked(logicalId, policy.PolicyName, policy.PolicyDocument),
      ),
      ...(properties.ManagedPolicyArns ?? []).map((policyArn) => managedPolicy(logicalId, policyArn)),
    ]
    world.roles.set(arn, { logicalId, name, arn, id, policies })
    return { physicalId: name, attributes: { Arn: arn, RoleId: id } }
  },
)

/** AWS::IAM::Policy: one more policy of roles of this template. */
export const policy = resourceType(
  z.strictObject({ PolicyName: z.string(), PolicyDocument: z.unknown(), Roles: z.array(z.string()) }),
  (logicalId, properties, world) => {
    const document = checked(logicalId, properties.PolicyName, properties.PolicyDocument)
    for (const name of properties.Roles) {
      const found = [...world.roles.values()].find((candidate) => candidate.name === name)
      if (found === undefined) throw new TemplateError(`Resources.${logicalId}: there is no role ${name}`)
      found.policies.push(document)
    }
    return { physicalId: properties.PolicyName }
  },
)

/** Refuses a policy at deployment, as IAM does, and not at the first call that it matters for. */
function checked(logicalId: string, name: string, document: unknown): PolicyDocument {
  try {
    checkPolicyDocument(document)
    // Any request will do: an operator that is not known is an error whatever is asked.
    evaluatePolicies([document], { action: 'none:None', resource: 'arn:aws:none:::none', context: {} })
    return document
  } catch (error) {
    if (!(error instanceof InvalidPolicy)) throw error
    throw new TemplateError(`Resources.${logicalId}, policy ${name}: ${error.message}`)
  }
}

function managedPolicy(logicalId: string, arn: string): PolicyDocument {
  const found = MANAGED_POLICIES[arn]
  if (found === undefined)
    throw new TemplateError(
      `Resources.${logicalId}: the local stack does not know the managed policy ${arn}; it knows ${Object.keys(MANAGED_POLICIES).join(', ')}`,
    )
  return found
}
