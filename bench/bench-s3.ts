import { S3Client } from '@aws-sdk/client-s3'
import { headDirectly } from '../functions/shared/direct-heads.ts'
import { putDirectly } from '../functions/shared/direct-puts.ts'

export const STAGING = 'staging'
export const STAGING_PREFIX = 'staging/AROABENCH:AWSCodeBuild-bench/'

/** A client for the benchmark's own S3, otherwise as the functions make it. */
export function benchS3(endpoint: string): S3Client {
  const credentials = { accessKeyId: 'AKIABENCH', secretAccessKey: 'of no account' }
  return headDirectly(
    putDirectly(new S3Client({ endpoint, region: 'us-east-1', credentials, cacheMiddleware: true })),
  )
}
