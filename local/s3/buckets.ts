import { ACCOUNT } from '../gateway/service.ts'
import { answerEmpty, answerXml } from './answer.ts'
import { S3Error } from './errors.ts'
import type { ObjectIndex } from './object-index.ts'
import { authorize, requireBucket, type S3Call } from './request.ts'
import { receiveText } from './receive.ts'
import { document, element } from './xml.ts'

/**
 * Makes a bucket. Source of the rules: S3 user guide, "General purpose bucket naming rules".
 * @returns false when it existed already
 * @throws S3Error InvalidBucketName
 */
export function createBucketNamed(index: ObjectIndex, name: string): boolean {
  const wellFormed = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)
  if (!wellFormed || name.includes('..') || /^\d+\.\d+\.\d+\.\d+$/.test(name)) {
    throw new S3Error(400, 'InvalidBucketName', 'The specified bucket is not valid.', { BucketName: name })
  }
  return index.createBucket(name, Date.now())
}

/** Existing already is no error: in us-east-1, S3 answers 200 to the owner. */
export async function createBucket(call: S3Call): Promise<void> {
  authorize(call, 's3:CreateBucket', call.bucket)
  const body = await receiveText(call, 64 * 1024)
  if (body !== '') {
    throw new S3Error(
      400,
      'InvalidLocationConstraint',
      'In us-east-1 a bucket is made without a configuration',
    )
  }
  createBucketNamed(call.store.index, call.bucket)
  answerEmpty(call, 200, { location: `/${call.bucket}` })
}

export function headBucket(call: S3Call): void {
  authorize(call, 's3:ListBucket', call.bucket)
  requireBucket(call, call.bucket)
  answerEmpty(call, 200, { 'x-amz-bucket-region': 'us-east-1' })
}

export function listBuckets(call: S3Call): void {
  call.call.authorize('s3:ListAllMyBuckets', '*')
  const buckets = call.store.index
    .buckets()
    .map(({ name, created }) =>
      element('Bucket', [element('Name', name), element('CreationDate', new Date(created).toISOString())]),
    )
  answerXml(
    call,
    document('ListAllMyBucketsResult', [
      element('Owner', [element('ID', ACCOUNT)]),
      element('Buckets', buckets),
    ]),
  )
}
