import { BucketAlreadyExists, BucketAlreadyOwnedByYou, CreateBucketCommand } from '@aws-sdk/client-s3'
import * as z from 'zod/mini'
import type { ResourcePolicy } from '../../gateway/resource-policy.ts'
import { REGION } from '../../gateway/service.ts'
import { isObject } from '../../json-object.ts'
import { generatedName, noEffect, optionalText, resourceType } from '../resource-type.ts'
import { TemplateError } from '../template.ts'

/** AWS::S3::Bucket. Versioning and notifications would have an effect that is not emulated, and are therefore refused. */
export const bucket = resourceType(
  z.strictObject({
    BucketName: optionalText,
    // nothing here is public but by a bucket policy
    PublicAccessBlockConfiguration: noEffect,
    // there are no ACLs
    OwnershipControls: noEffect,
    // the disk's own business
    BucketEncryption: noEffect,
    // nothing lives long enough to expire
    LifecycleConfiguration: noEffect,
    IntelligentTieringConfigurations: noEffect,
    Tags: noEffect,
  }),
  async (logicalId, properties, world) => {
    const name = properties.BucketName ?? generatedName(world, logicalId).toLowerCase().slice(0, 63)
    try {
      await world.s3.send(new CreateBucketCommand({ Bucket: name }))
    } catch (error) {
      // The folder has it from an earlier start.
      if (!(error instanceof BucketAlreadyOwnedByYou || error instanceof BucketAlreadyExists)) throw error
    }
    const domain = `${name}.s3.${REGION}.amazonaws.com`
    return {
      physicalId: name,
      attributes: {
        Arn: `arn:aws:s3:::${name}`,
        DomainName: `${name}.s3.amazonaws.com`,
        RegionalDomainName: domain,
      },
    }
  },
)

/** AWS::S3::BucketPolicy. */
export const bucketPolicy = resourceType(
  z.strictObject({ Bucket: z.string(), PolicyDocument: z.unknown() }),
  (logicalId, { Bucket, PolicyDocument }, world) => {
    const policy = withVersion(logicalId, PolicyDocument)
    world.bucketPolicies.set(Bucket, [...(world.bucketPolicies.get(Bucket) ?? []), policy])
    return { physicalId: Bucket }
  },
)

/**
 * A policy without a Version is of 2008-10-17, which takes variables literally; without a variable it says the same as one of 2012-10-17.
 * Source: IAM user guide, "IAM JSON policy elements: Version".
 */
function withVersion(logicalId: string, document: unknown): ResourcePolicy {
  const policy: Record<string, unknown> = isObject(document) ? { Version: '2008-10-17', ...document } : {}
  const current = policy['Version'] === '2008-10-17' && !JSON.stringify(policy).includes('${')
  const upgraded = current ? { ...policy, Version: '2012-10-17' } : policy
  if (!isResourcePolicy(upgraded))
    throw new TemplateError(`Resources.${logicalId}: a bucket policy has Version 2012-10-17 and a Statement`)
  return upgraded
}

function isResourcePolicy(document: unknown): document is ResourcePolicy {
  return isObject(document) && document['Version'] === '2012-10-17' && document['Statement'] !== undefined
}
