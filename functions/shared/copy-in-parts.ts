import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { type Bucket, copyObject, copySourceOf, isMissing } from './objects.ts'

/** How large objects are copied. */
export interface CopyLimits {
  /** the largest that one request copies, in bytes */
  whole: number
  /** in bytes */
  part: number
}

/**
 * 5 GB is the most that CopyObject takes; parts have 5 MiB to 5 GiB, and there are 10,000 at most. 512 MiB: an object of 5 TB, the largest there is, still
 * fits into 10,000 of them, and a part takes S3 a few seconds. Source: Amazon S3 user guide, "Copying, moving, and renaming objects" and
 * "Amazon S3 multipart upload limits".
 */
const LIMITS: CopyLimits = { whole: 5e9, part: 512 * 1024 ** 2 }

// 8 parts at once: S3 copies them by itself, each at some 100 MB/s.
const AT_ONCE = 8

/**
 * Copies an object within S3, of whatever size, with our own metadata: nothing of the source's content type, encoding or tags survives.
 * @param from with the ETag that the source must still have
 * @param size of the source, in bytes
 * @returns false when there is no such source
 */
export async function copyOfAnySize(
  from: Bucket & { key: string; version: string },
  to: Bucket & { key: string },
  size: number,
  metadata: { contentType: string },
  limits: CopyLimits = LIMITS,
): Promise<boolean> {
  if (size <= limits.whole) return copyObject(from, to, metadata)
  const target = { Bucket: to.name, Key: to.key }
  const { UploadId } = await to.s3.send(
    new CreateMultipartUploadCommand({ ...target, ContentType: metadata.contentType }),
  )
  const upload = { ...target, UploadId }
  try {
    const Parts = await copyParts(from, to, upload, size, limits.part)
    await to.s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
    return true
  } catch (error) {
    // What is killed before it gets here is aborted by the bucket's lifecycle rule after a week.
    await to.s3.send(new AbortMultipartUploadCommand(upload))
    if (isMissing(error)) return false
    throw error
  }
}

async function copyParts(
  from: Bucket & { key: string; version: string },
  to: Bucket,
  upload: { Bucket: string; Key: string; UploadId: string | undefined },
  size: number,
  partSize: number,
): Promise<CompletedPart[]> {
  const limit = pLimit(AT_ONCE)
  const starts = Array.from({ length: Math.ceil(size / partSize) }, (_, index) => index * partSize)
  const copies = starts.map((start, index) =>
    limit(async (): Promise<CompletedPart> => {
      const { CopyPartResult } = await to.s3.send(
        new UploadPartCopyCommand({
          ...upload,
          PartNumber: index + 1,
          CopySource: copySourceOf(from),
          CopySourceIfMatch: from.version,
          CopySourceRange: `bytes=${start}-${Math.min(start + partSize, size) - 1}`,
        }),
      )
      return { PartNumber: index + 1, ETag: CopyPartResult?.ETag }
    }),
  )
  // all of them come to an end before anything is aborted: a part that arrives later would stay
  const settled = await Promise.allSettled(copies)
  return settled.map((copy) => {
    if (copy.status === 'rejected') throw copy.reason
    return copy.value
  })
}
