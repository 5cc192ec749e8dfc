import { BucketAlreadyExists, BucketAlreadyOwnedByYou, CreateBucketCommand } from '@aws-sdk/client-s3'
import * as z from 'zod/mini'
import { REGION } from '../../gateway/service.ts'
import { generatedName, noEffect, optionalText, resourceType } from '../resource-type.ts'
import { readResourcePolicy } from './resource-policy.ts'

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
    const policy = readResourcePolicy(logicalId, PolicyDocument)
    world.bucketPolicies.set(Bucket, [...(world.bucketPolicies.get(Bucket) ?? []), policy])
    return { physicalId: Bucket }
  },
)
