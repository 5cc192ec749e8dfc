import { attributesOf, tagsOf } from './attributes.ts'
import { answerEmpty } from './answer.ts'
import { headerOf as headerOfAlgorithm, type Checksum } from './checksums.ts'
import { checkWriteConditions, type WriteConditions } from './conditions.ts'
import type { StoredObject, Tag } from './records.ts'
import { LARGEST_BODY, receive, type Received, type ReceiveOptions } from './receive.ts'
import { authorize, headerOf, requireBucket, type CreatedBy, type S3Call, type Store } from './request.ts'

/** PutObject. Nothing is visible before the whole body was received and verified. */
export async function putObject(call: S3Call): Promise<void> {
  const { store, bucket, key } = call
  const conditions = writeConditions(call)
  const tags = tagsOf(call.request)
  authorizeWrite(call, conditions, tags)
  requireBucket(call, bucket)
  const attributes = attributesOf(call.request)
  const { file, size, md5, checksum } = await receiveBody(call, { limit: LARGEST_BODY })
  const object = { key, etag: md5, size, modified: Date.now(), file, attributes, checksum, tags }
  await commitObject(store, bucket, object, conditions, 'PutObject')
  answerEmpty(call, 200, { etag: `"${md5}"`, ...checksumHeaders(checksum) })
}

/** Receives a body. @throws what `receive` throws */
export function receiveBody(call: S3Call, options: ReceiveOptions): Promise<Received & { file: string }> {
  return call.store.bodies.write((write) => receive(call, options, write))
}

/**
 * Makes an object visible, unless its conditions fail against what is there at this very moment: of any number of racing writers with
 * `If-None-Match: *`, one wins. Then removes the body that was replaced, or the new one when it was refused.
 * @param write puts it into the index; the plain way by default
 */
export async function commitObject(
  store: Store,
  bucket: string,
  object: StoredObject,
  conditions: WriteConditions,
  operation: CreatedBy,
  write: () => void = () => store.index.putObject(bucket, object),
): Promise<void> {
  const existing = store.index.object(bucket, object.key)
  try {
    checkWriteConditions(conditions, object.key, existing)
    write()
  } catch (error) {
    await discardBodies(store, [object.file])
    throw error
  }
  const { key, etag, size } = object
  store.onObjectCreated({ bucket, key, etag, size, operation })
  if (existing !== undefined) await discardBodies(store, [existing.file])
}

/** Removes bodies that no object and no part has any more. */
export async function discardBodies(store: Store, files: string[]): Promise<void> {
  for (const file of files) if (!store.index.isNamed(file)) await store.bodies.remove(file)
}

export function writeConditions({ request }: S3Call): WriteConditions {
  return { ifMatch: headerOf(request, 'if-match'), ifNoneMatch: headerOf(request, 'if-none-match') }
}

/**
 * Asks for s3:PutObject with the condition keys of the request, and for what its headers need besides: s3:GetObject for If-Match, which
 * tells about the object that is there, and s3:PutObjectTagging for tags.
 * Source: S3 user guide, "Required permissions for Amazon S3 API operations" and "conditional writes".
 * @throws AccessDenied
 */
export function authorizeWrite(
  call: S3Call,
  { ifMatch, ifNoneMatch }: WriteConditions,
  tags: Tag[],
  context: Record<string, string | undefined> = {},
): void {
  authorize(call, 's3:PutObject', call.bucket, call.key, {
    's3:ObjectCreationOperation': 'true',
    's3:if-match': ifMatch,
    's3:if-none-match': ifNoneMatch,
    's3:x-amz-storage-class': headerOf(call.request, 'x-amz-storage-class'),
    's3:x-amz-server-side-encryption': headerOf(call.request, 'x-amz-server-side-encryption'),
    ...Object.fromEntries(tags.map((tag) => [`s3:RequestObjectTag/${tag.key}`, tag.value])),
    ...context,
  })
  if (ifMatch !== undefined) authorize(call, 's3:GetObject', call.bucket, call.key)
  if (tags.length > 0) authorize(call, 's3:PutObjectTagging', call.bucket, call.key)
}

export function checksumHeaders(checksum: Checksum | undefined): Record<string, string> {
  if (checksum === undefined) return {}
  return { [headerOfAlgorithm(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type }
}
