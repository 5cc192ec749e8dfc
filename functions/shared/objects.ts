import { Readable } from 'node:stream'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { HearthError } from './errors.ts'

/** A bucket and the client that may use it. */
export interface Bucket {
  s3: S3Client
  name: string
}

export class ObjectNotFound extends HearthError {
  override name = 'ObjectNotFound'
  constructor(bucket: Bucket, key: string) {
    super(`there is no object ${key} in the bucket ${bucket.name}`)
  }
}

export class ObjectTooLarge extends HearthError {
  override name = 'ObjectTooLarge'
}

/** S3 says 404 when the caller may list the bucket: a missing object. A missing bucket is a wrong configuration, and no answer. */
export function isMissing(error: unknown): boolean {
  return (
    error instanceof S3ServiceException &&
    error.$metadata.httpStatusCode === 404 &&
    error.name !== 'NoSuchBucket'
  )
}

/** A conditional request lost: the object is there already, has changed, or is being written at this moment (409). */
export function isConditionFailed(error: unknown): boolean {
  return (
    error instanceof S3ServiceException &&
    (error.$metadata.httpStatusCode === 412 || error.$metadata.httpStatusCode === 409)
  )
}

export interface FoundObject {
  bytes: Uint8Array
  etag: string
  lastModified: Date
}

/** Which version of an object is meant, and which bytes of it; all of whatever is there when it says neither. */
export interface ObjectSelection {
  etag?: string
  range?: { start: number; bytes: number }
}

/**
 * A whole object, or what is selected of it; undefined when there is none.
 * @param limit the most bytes that are read into memory
 * @throws ObjectTooLarge, and what `isConditionFailed` knows when it is another version
 */
export async function findObject(
  bucket: Bucket,
  key: string,
  limit: number,
  { etag, range }: ObjectSelection = {},
): Promise<FoundObject | undefined> {
  try {
    const found = await bucket.s3.send(
      new GetObjectCommand({
        Bucket: bucket.name,
        Key: key,
        ...(etag === undefined ? {} : { IfMatch: etag }),
        ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.start + range.bytes - 1}` }),
      }),
    )
    if ((found.ContentLength ?? 0) > limit) {
      // a body that nobody reads holds its connection, and ends the process when that is reset
      if (found.Body instanceof Readable) found.Body.destroy()
      throw new ObjectTooLarge(`${key} has ${found.ContentLength} bytes, and at most ${limit} are read`)
    }
    return {
      bytes: (await found.Body?.transformToByteArray()) ?? new Uint8Array(),
      etag: found.ETag ?? '',
      lastModified: found.LastModified ?? new Date(0),
    }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

// 64 MiB: far above any plan or record, far below the smallest function's memory.
const JSON_LIMIT = 64 * 1024 * 1024

/** The JSON document at a key, or undefined when there is none. Its shape is the writer's promise: only for what our own functions write. */
export async function findJson<T>(bucket: Bucket, key: string): Promise<T | undefined> {
  const found = await findObject(bucket, key, JSON_LIMIT)
  return found === undefined ? undefined : (JSON.parse(Buffer.from(found.bytes).toString('utf8')) as T)
}

/** @throws ObjectNotFound */
export async function readJson<T>(bucket: Bucket, key: string): Promise<T> {
  const found = await findJson<T>(bucket, key)
  if (found === undefined) throw new ObjectNotFound(bucket, key)
  return found
}

export async function writeJson(bucket: Bucket, key: string, value: unknown): Promise<void> {
  await bucket.s3.send(
    new PutObjectCommand({
      Bucket: bucket.name,
      Key: key,
      Body: JSON.stringify(value),
      ContentType: 'application/json',
    }),
  )
}

/**
 * Writes a JSON document where none is (`ifMatch` absent), or over exactly the version named by its ETag.
 * @returns false when somebody else was first: another version is there, or none any more
 */
export function claimJson(bucket: Bucket, key: string, value: unknown, ifMatch?: string): Promise<boolean> {
  return claimBytes(bucket, key, JSON.stringify(value), { type: 'application/json', ifMatch })
}

/** As `claimJson`, for bytes of any content type. */
export async function claimBytes(
  bucket: Bucket,
  key: string,
  body: string | Uint8Array,
  { type, ifMatch }: { type: string; ifMatch: string | undefined },
): Promise<boolean> {
  try {
    await bucket.s3.send(
      new PutObjectCommand({
        Bucket: bucket.name,
        Key: key,
        Body: body,
        ContentType: type,
        ...(ifMatch === undefined ? { IfNoneMatch: '*' } : { IfMatch: ifMatch }),
      }),
    )
    return true
  } catch (error) {
    // 404: S3 finds nothing that could match
    if (isConditionFailed(error) || (ifMatch !== undefined && isMissing(error))) return false
    throw error
  }
}

/** Deletes an object; one that is not there is deleted already. */
export async function deleteObject(bucket: Bucket, key: string): Promise<void> {
  await bucket.s3.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: key }))
}

/**
 * Writes an object, with our own metadata.
 * @param sha256 of the bytes, where it is known: S3 refuses any others
 */
export async function writeObject(
  to: Bucket & { key: string },
  bytes: Uint8Array,
  metadata: ObjectMetadata,
  sha256?: Buffer,
): Promise<void> {
  await to.s3.send(
    new PutObjectCommand({
      Bucket: to.name,
      Key: to.key,
      Body: bytes,
      ContentType: metadata.contentType,
      ...(metadata.contentEncoding === undefined ? {} : { ContentEncoding: metadata.contentEncoding }),
      ...(sha256 === undefined ? {} : { ChecksumSHA256: sha256.toString('base64') }),
    }),
  )
}

/** What readers of an object are told about it. */
export interface ObjectMetadata {
  contentType: string
  contentEncoding?: string
}

/** How S3 is told what to copy. */
export function copySourceOf({ name, key }: { name: string; key: string }): string {
  return `${name}/${key.split('/').map(encodeURIComponent).join('/')}`
}

/**
 * Copies an object within S3, with our own metadata: nothing of the source's content type, encoding or tags survives.
 * @param version the ETag that the source must still have
 * @returns false when there is no such source
 */
export async function copyObject(
  from: Bucket & { key: string; version?: string },
  to: Bucket & { key: string },
  metadata: ObjectMetadata,
): Promise<boolean> {
  try {
    await to.s3.send(
      new CopyObjectCommand({
        Bucket: to.name,
        Key: to.key,
        CopySource: copySourceOf(from),
        ...(from.version === undefined ? {} : { CopySourceIfMatch: from.version }),
        MetadataDirective: 'REPLACE',
        TaggingDirective: 'REPLACE',
        ContentType: metadata.contentType,
        ...(metadata.contentEncoding === undefined ? {} : { ContentEncoding: metadata.contentEncoding }),
      }),
    )
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
