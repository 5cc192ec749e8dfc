import {
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { createReadStream } from 'node:fs'
import type { ContentHeaders, StagedFile, Staging } from './staging.ts'

// 512 MiB: 10,000 parts, the most that there are, hold the 5 TB that an object may have. Source: Amazon S3 user guide, "Amazon S3 multipart upload limits".
const PART = 512 * 1024 ** 2

/**
 * Creates an object from a file that is too large for one request; the file is not read into memory. Only the last request makes it an object, and only
 * where none is. What is left of an upload that failed is deleted by the bucket's lifecycle rule: a builder may not abort anything.
 * @param send sends a request, again when it may succeed then
 * @param part bytes of each part but the last
 */
export async function stageInParts(
  { s3, bucket }: Pick<Staging, 's3' | 'bucket'>,
  key: string,
  { path, bytes }: Pick<StagedFile, 'path' | 'bytes'>,
  { type, encoding }: ContentHeaders,
  send: <Answer>(request: () => Promise<Answer>) => Promise<Answer>,
  part = PART,
): Promise<void> {
  const target = { Bucket: bucket, Key: key }
  const headers = { ContentType: type, ...(encoding === undefined ? {} : { ContentEncoding: encoding }) }
  const { UploadId } = await send(async () =>
    s3.send(new CreateMultipartUploadCommand({ ...target, ...headers })),
  )
  const upload = { ...target, UploadId }
  const Parts: CompletedPart[] = []
  // one after the other: the disk and the network are busy with other paths, too
  for (let start = 0; start < bytes; start += part) {
    const end = Math.min(start + part, bytes)
    const PartNumber = Parts.length + 1
    const { ETag } = await send(async () =>
      s3.send(
        new UploadPartCommand({
          ...upload,
          PartNumber,
          Body: createReadStream(path, { start, end: end - 1 }),
          ContentLength: end - start,
        }),
      ),
    )
    Parts.push({ PartNumber, ETag })
  }
  await send(async () =>
    s3.send(new CompleteMultipartUploadCommand({ ...upload, IfNoneMatch: '*', MultipartUpload: { Parts } })),
  )
}
