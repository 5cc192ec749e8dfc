import { randomBytes } from 'node:crypto'
import { attributesOf, tagsOf } from './attributes.ts'
import { answerEmpty, answerXml } from './answer.ts'
import { algorithmNamed, type ChecksumAlgorithm } from './checksums.ts'
import { copyBody, copyElements, findSource, parseCopySource } from './copying.ts'
import { invalidArgument, invalidRequest, noSuchUpload, notImplemented, S3Error } from './errors.ts'
import type { Part, Upload } from './records.ts'
import { parseCopyRange } from './range.ts'
import { LARGEST_BODY } from './receive.ts'
import { authorize, headerOf, requireBucket, type S3Call } from './request.ts'
import { authorizeWrite, checksumHeaders, discardBodies, receiveBody } from './writing.ts'
import { document, element } from './xml.ts'

// S3 user guide, "Amazon S3 multipart upload limits".
const MOST_PARTS = 10_000

/** CreateMultipartUpload. Nothing is an object yet, so it has no conditions. */
export function createMultipartUpload(call: S3Call): void {
  const { store, bucket, key, request } = call
  const tags = tagsOf(request)
  authorizeWrite(call, { ifMatch: undefined, ifNoneMatch: undefined }, tags, {
    's3:ObjectCreationOperation': 'false',
  })
  requireBucket(call, bucket)
  const named = headerOf(request, 'x-amz-checksum-algorithm')
  const algorithm = named === undefined ? undefined : algorithmNamed(named)
  const type = headerOf(request, 'x-amz-checksum-type')
  // CRC64NVME is a checksum of the whole object in S3, and that is what is not there.
  if (type === 'FULL_OBJECT' || algorithm === 'crc64nvme') {
    throw notImplemented('a multipart upload with a checksum of the type FULL_OBJECT')
  }
  const upload: Upload = {
    id: randomBytes(24).toString('base64url'),
    bucket,
    key,
    tags,
    algorithm,
    initiated: Date.now(),
    attributes: attributesOf(request),
  }
  store.index.createUpload(upload)
  answerXml(
    call,
    document('InitiateMultipartUploadResult', [
      element('Bucket', bucket),
      element('Key', key),
      element('UploadId', upload.id),
    ]),
    algorithm === undefined
      ? {}
      : { 'x-amz-checksum-algorithm': algorithm.toUpperCase(), 'x-amz-checksum-type': 'COMPOSITE' },
  )
}

/** UploadPart. A part that is uploaded again replaces the earlier one. */
export async function uploadPart(call: S3Call): Promise<void> {
  authorizePart(call)
  const upload = findUpload(call)
  const number = partNumberOf(call)
  const { file, size, md5, checksum } = await receiveBody(call, {
    limit: LARGEST_BODY,
    compute: upload.algorithm,
  })
  const part = { number, etag: md5, size, modified: Date.now(), file, checksum: checksum?.value }
  await commitPart(call, upload, part, checksum?.algorithm)
  answerEmpty(call, 200, { etag: `"${md5}"`, ...withoutType(checksumHeaders(checksum)) })
}

/** UploadPartCopy: a part from an object that is there already, or from a range of it. */
export async function uploadPartCopy(call: S3Call): Promise<void> {
  const source = parseCopySource(call)
  authorizePart(call, { 's3:x-amz-copy-source': `${source.bucket}/${source.key}` })
  const upload = findUpload(call)
  const number = partNumberOf(call)
  const found = findSource(call, source)
  const range = parseCopyRange(headerOf(call.request, 'x-amz-copy-source-range'), found.size)
  const size = range === undefined ? found.size : range.end - range.start + 1
  if (size > LARGEST_BODY) throw invalidRequest(`A part has ${LARGEST_BODY} bytes at most`)
  const { file, etag, checksum } = await copyBody(call.store, found.file, range, upload.algorithm)
  const modified = Date.now()
  await commitPart(
    call,
    upload,
    { number, etag, size, modified, file, checksum: checksum?.value },
    upload.algorithm,
  )
  answerXml(call, document('CopyPartResult', copyElements({ etag, modified, checksum })))
}

/** AbortMultipartUpload: the parts are gone. */
export async function abortMultipartUpload(call: S3Call): Promise<void> {
  authorize(call, 's3:AbortMultipartUpload', call.bucket, call.key)
  const upload = findUpload(call)
  const files = call.store.index.parts(upload.id).map((part) => part.file)
  call.store.index.deleteUpload(upload.id)
  await discardBodies(call.store, files)
  answerEmpty(call, 204)
}

/** The upload that the request names. @throws S3Error NoSuchBucket, NoSuchUpload */
export function findUpload({ store, bucket, key, query }: S3Call): Upload {
  requireBucket({ store }, bucket)
  const id = query.get('uploadId') ?? ''
  const upload = store.index.upload(id)
  if (upload === undefined || upload.bucket !== bucket || upload.key !== key) throw noSuchUpload(id)
  return upload
}

function authorizePart(call: S3Call, context: Record<string, string> = {}): void {
  authorize(call, 's3:PutObject', call.bucket, call.key, {
    's3:ObjectCreationOperation': 'false',
    ...context,
  })
}

function partNumberOf({ query }: S3Call): number {
  const text = query.get('partNumber') ?? ''
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < 1 || number > MOST_PARTS) {
    throw invalidArgument(
      'partNumber',
      text,
      `Part number must be an integer between 1 and ${MOST_PARTS}, inclusive`,
    )
  }
  return number
}

async function commitPart(
  { store }: S3Call,
  upload: Upload,
  part: Part,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<void> {
  try {
    checkAlgorithm(upload, algorithm)
    // Completed or aborted while the part was on its way.
    if (store.index.upload(upload.id) === undefined) throw noSuchUpload(upload.id)
  } catch (error) {
    await discardBodies(store, [part.file])
    throw error
  }
  const replaced = store.index.part(upload.id, part.number)
  store.index.putPart(upload.id, part)
  if (replaced !== undefined) await discardBodies(store, [replaced.file])
}

/**
 * The parts of an upload that was created with a checksum have that one. One that was created without takes parts with any, as the SDKs
 * send them by default: it is verified, and not kept.
 */
function checkAlgorithm(upload: Upload, algorithm: ChecksumAlgorithm | undefined): void {
  if (upload.algorithm === undefined || algorithm === upload.algorithm) return
  throw new S3Error(
    400,
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm}, actual checksum Type: ${algorithm ?? 'null'}`,
    { UploadId: upload.id },
  )
}

/** A part's checksum has no type. */
function withoutType(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'x-amz-checksum-type'))
}
