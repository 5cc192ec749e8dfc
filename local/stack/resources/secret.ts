import * as z from 'zod/mini'
import { generateSecretString } from '../../secrets-manager/generate-secret.ts'
import { generatedName, noEffect, optionalText, resourceType, wholeNumber } from '../resource-type.ts'
import { TemplateError } from '../template.ts'
import { readResourcePolicy } from './resource-policy.ts'

const flag = z._default(z.boolean(), false)

/** AWS::SecretsManager::Secret. Its value is set when it is created, and never again: what was put there since stays. */
export const secret = resourceType(
  z.strictObject({
    Name: optionalText,
    Description: optionalText,
    SecretString: optionalText,
    GenerateSecretString: z.optional(
      z.strictObject({
        PasswordLength: z._default(wholeNumber, 32),
        ExcludeCharacters: z._default(z.string(), ''),
        ExcludeLowercase: flag,
        ExcludeUppercase: flag,
        ExcludeNumbers: flag,
        ExcludePunctuation: flag,
        IncludeSpace: flag,
        RequireEachIncludedType: z._default(z.boolean(), true),
        SecretStringTemplate: optionalText,
        GenerateStringKey: optionalText,
      }),
    ),
    KmsKeyId: noEffect,
    Tags: noEffect,
  }),
  (logicalId, properties, world) => {
    const name = properties.Name ?? generatedName(world, logicalId)
    const { SecretString, GenerateSecretString } = properties
    if (SecretString !== undefined && GenerateSecretString !== undefined)
      throw new TemplateError(`Resources.${logicalId}: either SecretString or GenerateSecretString`)
    const known = world.secrets.find(name)
    const made = known ?? world.secrets.create(name, properties.Description)
    if (known === undefined && GenerateSecretString !== undefined) {
      const { SecretStringTemplate, GenerateStringKey, ...rule } = GenerateSecretString
      const template = {
        ...(SecretStringTemplate === undefined ? {} : { SecretStringTemplate }),
        ...(GenerateStringKey === undefined ? {} : { GenerateStringKey }),
      }
      world.secrets.put(made, { SecretString: generateSecretString({ ...rule, ...template }) })
    } else if (known === undefined && SecretString !== undefined) world.secrets.put(made, { SecretString })
    return { physicalId: made.arn, attributes: { Id: made.arn } }
  },
)

/** AWS::SecretsManager::ResourcePolicy. */
export const secretPolicy = resourceType(
  z.strictObject({
    // the ARN, as `Ref` gives it
    SecretId: z.string(),
    ResourcePolicy: z.unknown(),
    // nobody outside of the account exists here
    BlockPublicPolicy: noEffect,
  }),
  (logicalId, { SecretId, ResourcePolicy }, world) => {
    world.secretPolicies.set(SecretId, readResourcePolicy(logicalId, ResourcePolicy))
    return { physicalId: SecretId }
  },
)
