import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { attributesOf, directiveOf, tagsOf } from './attributes.ts'
import { answerXml } from './answer.ts'
import {
  algorithmNamed,
  createDigest,
  elementOf,
  type Checksum,
  type ChecksumAlgorithm,
} from './checksums.ts'
import { checkSourceConditions } from './conditions.ts'
import { invalidArgument, invalidRequest, notImplemented } from './errors.ts'
import type { StoredObject } from './records.ts'
import type { ByteRange } from './range.ts'
import { findObject } from './reading.ts'
import { LARGEST_BODY, type Sink } from './receive.ts'
import { authorize, decode, headerOf, requireBucket, type S3Call, type Store } from './request.ts'
import { authorizeWrite, commitObject, writeConditions } from './writing.ts'
import { document, element, type Markup } from './xml.ts'

/** CopyObject. A copy shares the body of its source: bodies never change. */
export async function copyObject(call: S3Call): Promise<void> {
  const { request, store, bucket, key } = call
  const metadataDirective = directiveOf(request, 'x-amz-metadata-directive')
  const taggingDirective = directiveOf(request, 'x-amz-tagging-directive')
  const source = parseCopySource(call)
  const conditions = writeConditions(call)
  const newTags = taggingDirective === 'REPLACE' ? tagsOf(request) : []
  authorizeWrite(call, conditions, newTags, {
    's3:x-amz-copy-source': `${source.bucket}/${source.key}`,
    's3:x-amz-metadata-directive': headerOf(request, 'x-amz-metadata-directive'),
  })
  requireBucket(call, bucket)
  const found = findSource(call, source)
  if (found.size > LARGEST_BODY) {
    throw invalidRequest(
      `The specified copy source is larger than the maximum allowable size for a copy source: ${LARGEST_BODY}`,
    )
  }
  if (metadataDirective === 'COPY' && source.bucket === bucket && source.key === key) {
    throw invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    )
  }
  const tags = taggingDirective === 'REPLACE' ? newTags : found.tags
  if (taggingDirective === 'COPY' && tags.length > 0) {
    authorize(call, 's3:GetObjectTagging', source.bucket, source.key)
    authorize(call, 's3:PutObjectTagging', bucket, key)
  }
  const replaced = attributesOf(request)
  const algorithm = checksumOfCopy(request, found)
  // Not awaited when it is shared: in between, the source could be deleted, and its body with it.
  const body = sharedBody(found, algorithm) ?? (await copyBody(store, found.file, undefined, algorithm))
  const object: StoredObject = {
    ...body,
    key,
    size: found.size,
    modified: Date.now(),
    attributes: metadataDirective === 'REPLACE' ? replaced : found.attributes,
    tags,
  }
  await commitObject(store, bucket, object, conditions, 'CopyObject')
  answerXml(call, document('CopyObjectResult', copyElements(object)))
}

/** The elements with which a copy is answered, of an object as of a part. */
export function copyElements({
  etag,
  modified,
  checksum,
}: Pick<StoredObject, 'etag' | 'modified' | 'checksum'>): Markup[] {
  return [
    element('ETag', `"${etag}"`),
    element('LastModified', new Date(modified).toISOString()),
    ...(checksum === undefined ? [] : [element(elementOf(checksum.algorithm), checksum.value)]),
  ]
}

/**
 * Bucket and key of x-amz-copy-source, `[/]bucket/key`, percent-encoded.
 * @throws S3Error InvalidArgument; NotImplemented for a version
 */
export function parseCopySource({ request }: S3Call): { bucket: string; key: string } {
  const header = headerOf(request, 'x-amz-copy-source') ?? ''
  if (/\?versionId=/.test(header)) throw notImplemented('x-amz-copy-source with a versionId')
  const text = decode(header).replace(/^\//, '')
  const slash = text.indexOf('/')
  if (slash < 1 || slash === text.length - 1 || text.startsWith('arn:')) {
    throw invalidArgument(
      'x-amz-copy-source',
      header,
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    )
  }
  return { bucket: text.slice(0, slash), key: text.slice(slash + 1) }
}

/** The source object, when the caller may read it and its conditions hold. @throws AccessDenied, S3Error */
export function findSource(call: S3Call, source: { bucket: string; key: string }): StoredObject {
  const { request } = call
  authorize(call, 's3:GetObject', source.bucket, source.key)
  requireBucket(call, source.bucket)
  const found = findObject(call, source.bucket, source.key)
  const conditions = {
    ifMatch: headerOf(request, 'x-amz-copy-source-if-match'),
    ifNoneMatch: headerOf(request, 'x-amz-copy-source-if-none-match'),
    ifModifiedSince: headerOf(request, 'x-amz-copy-source-if-modified-since'),
    ifUnmodifiedSince: headerOf(request, 'x-amz-copy-source-if-unmodified-since'),
  }
  checkSourceConditions(conditions, found)
  return found
}

/** Copies a body, or a range of it, to a new one. */
export async function copyBody(
  store: Store,
  file: string,
  range: ByteRange | undefined,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<Digests & { file: string }> {
  // Opened before anything is awaited: the source may be deleted meanwhile.
  const source = store.bodies.read(file, range)
  try {
    return await store.bodies.write((write) => digestBody(source, algorithm, write))
  } finally {
    source.destroy()
  }
}

interface Digests {
  etag: string
  checksum: Checksum | undefined
}

/** MD5 and a checksum of a body, which goes on to `sink` piece by piece. */
export async function digestBody(
  body: AsyncIterable<Buffer>,
  algorithm: ChecksumAlgorithm | undefined,
  sink: Sink,
): Promise<Digests> {
  const md5 = createHash('md5')
  const digest = algorithm === undefined ? undefined : createDigest(algorithm)
  for await (const piece of body) {
    md5.update(piece)
    digest?.update(piece)
    await sink(piece)
  }
  const value = digest?.digest().toString('base64')
  return {
    etag: md5.digest('hex'),
    checksum:
      algorithm === undefined || value === undefined ? undefined : { algorithm, value, type: 'FULL_OBJECT' },
  }
}

/** The algorithm that the copy's checksum is to have: the one that is asked for, or its source's. */
function checksumOfCopy(request: IncomingMessage, source: StoredObject): ChecksumAlgorithm | undefined {
  const wanted = headerOf(request, 'x-amz-checksum-algorithm')
  return wanted === undefined ? source.checksum?.algorithm : algorithmNamed(wanted)
}

/**
 * The source's body, ETag and checksum, when the copy can have them as they are. A copy is always one part: that of a multipart object
 * gets the plain MD5 as its ETag and a checksum of the whole, so the source has to be read.
 */
function sharedBody(
  { file, etag, checksum }: StoredObject,
  algorithm: ChecksumAlgorithm | undefined,
): Pick<StoredObject, 'file' | 'etag' | 'checksum'> | undefined {
  return etag.includes('-') || algorithm !== checksum?.algorithm ? undefined : { file, etag, checksum }
}
