import { answerXml } from './answer.ts'
import { elementOf } from './checksums.ts'
import { encoderOf, parsePageSize } from './listing.ts'
import { findUpload } from './multipart.ts'
import { authorize, requireBucket, type S3Call } from './request.ts'
import { document, element } from './xml.ts'

// S3 API reference, ListParts and ListMultipartUploads.
const LARGEST_PAGE = 1000

/** ListParts of one upload, by number. */
export function listParts(call: S3Call): void {
  const { store, bucket, key, query } = call
  authorize(call, 's3:ListMultipartUploadParts', bucket, key)
  const upload = findUpload(call)
  const limit = parsePageSize('max-parts', query.get('max-parts'), LARGEST_PAGE)
  const marker = parsePageSize('part-number-marker', query.get('part-number-marker') ?? '0', 10_000)
  const behind = store.index.parts(upload.id).filter((part) => part.number > marker)
  const parts = behind.slice(0, limit)
  answerXml(
    call,
    document('ListPartsResult', [
      element('Bucket', bucket),
      element('Key', key),
      element('UploadId', upload.id),
      element('PartNumberMarker', marker),
      element('NextPartNumberMarker', parts.at(-1)?.number),
      element('MaxParts', limit),
      element('IsTruncated', behind.length > parts.length),
      element('ChecksumAlgorithm', upload.algorithm?.toUpperCase()),
      ...parts.map((part) =>
        element('Part', [
          element('PartNumber', part.number),
          element('LastModified', new Date(part.modified).toISOString()),
          element('ETag', `"${part.etag}"`),
          element('Size', part.size),
          ...(upload.algorithm === undefined ? [] : [element(elementOf(upload.algorithm), part.checksum)]),
        ]),
      ),
    ]),
  )
}

/** ListMultipartUploads in progress, by key and then by age. */
export function listMultipartUploads(call: S3Call): void {
  const { store, bucket, query } = call
  const prefix = query.get('prefix') ?? ''
  authorize(call, 's3:ListBucketMultipartUploads', bucket)
  requireBucket(call, bucket)
  const encode = encoderOf(query.get('encoding-type'))
  const limit = parsePageSize('max-uploads', query.get('max-uploads'), LARGEST_PAGE)
  const uploads = store.index.uploads(bucket, prefix)
  const marked = uploads.findIndex(
    (upload) => upload.key === query.get('key-marker') && upload.id === query.get('upload-id-marker'),
  )
  const behind = uploads.slice(marked + 1)
  const page = behind.slice(0, limit)
  const last = page.at(-1)
  answerXml(
    call,
    document('ListMultipartUploadsResult', [
      element('Bucket', bucket),
      element('Prefix', encode(prefix)),
      element('NextKeyMarker', last === undefined ? undefined : encode(last.key)),
      element('NextUploadIdMarker', last?.id),
      element('MaxUploads', limit),
      element('IsTruncated', behind.length > page.length),
      ...page.map((upload) =>
        element('Upload', [
          element('Key', encode(upload.key)),
          element('UploadId', upload.id),
          element('Initiated', new Date(upload.initiated).toISOString()),
          element('StorageClass', 'STANDARD'),
        ]),
      ),
    ]),
  )
}
