import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import * as z from 'zod/mini'
import { requireEnvironment } from '../shared/environment.ts'
import { describeError } from '../shared/errors.ts'
import { lambda } from '../shared/lambda.ts'
import { installation } from './installation.ts'

const s3 = new S3Client({})

// Source: CloudFormation user guide, "Custom resource request objects".
const CustomResourceEvent = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResponseURL: z.string(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  PhysicalResourceId: z.optional(z.string()),
})

/**
 * Install: a CloudFormation custom resource that puts the builder's bundle, `nix-cache-info` and hearth.yml where they belong. All three lie
 * beside this function in its package. Deleting the stack takes nothing away: laptops may still read the cache.
 */
export const handler = lambda(CustomResourceEvent, async (event) => {
  const identity = {
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    PhysicalResourceId: event.PhysicalResourceId ?? 'hearth-install',
  }
  try {
    const Data = event.RequestType === 'Delete' ? {} : await install()
    await answer(event.ResponseURL, { ...identity, Status: 'SUCCESS', Data })
  } catch (error) {
    const { name, message } = describeError(error)
    await answer(event.ResponseURL, { ...identity, Status: 'FAILED', Reason: `${name}: ${message}` })
    throw error
  }
})

async function install(): Promise<{ BundleKey: string }> {
  const folder = import.meta.dirname
  const { objects, bundleKey } = installation(
    await readFile(join(folder, 'builder.zip')),
    await readFile(join(folder, 'hearth.yml'), 'utf8'),
    { state: requireEnvironment('STATE_BUCKET'), cache: requireEnvironment('CACHE_BUCKET') },
  )
  for (const { bucket, key, body, contentType } of objects)
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: contentType }))
  return { BundleKey: bundleKey }
}

async function answer(url: string, body: object): Promise<void> {
  // CloudFormation's URL is signed for an empty content type.
  const response = await fetch(url, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers: { 'content-type': '' },
  })
  if (!response.ok) throw new Error(`CloudFormation did not take the answer: ${response.status}`)
}
