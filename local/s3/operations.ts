import { createBucket, headBucket, listBuckets } from './buckets.ts'
import { copyObject } from './copying.ts'
import { deleteObject, deleteObjects } from './deleting.ts'
import { notImplemented } from './errors.ts'
import { listObjects } from './listing.ts'
import { completeMultipartUpload } from './multipart-completing.ts'
import { listMultipartUploads, listParts } from './multipart-listing.ts'
import { abortMultipartUpload, createMultipartUpload, uploadPart, uploadPartCopy } from './multipart.ts'
import { getObject, OVERRIDES } from './reading.ts'
import type { S3Call } from './request.ts'
import { getObjectTagging, putObjectTagging } from './tagging.ts'
import { putObject } from './writing.ts'

/** One operation of the S3 API: how a request for it looks, and what may be in it. Anything else in it is refused. */
interface Operation {
  name: string
  method: string
  on: 'service' | 'bucket' | 'object'
  /** query parameters that make it this operation; `list-type=2` is one with its value */
  query: string[]
  /** whether it has the header x-amz-copy-source */
  copies?: true
  /** further query parameters that it understands */
  options: string[]
  /** `x-amz-*` and conditional headers that it understands; one that ends in `*` is a prefix */
  headers: string[]
  run: (call: S3Call) => void | Promise<void>
}

const BODY = [
  'x-amz-decoded-content-length',
  'x-amz-trailer',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-checksum-*',
]
const ATTRIBUTES = ['x-amz-meta-*', 'x-amz-tagging', 'x-amz-storage-class', 'x-amz-server-side-encryption']
const READS = ['range', 'if-range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']
const READ = [...READS, 'x-amz-checksum-mode']
const WRITE_CONDITIONS = ['if-match', 'if-none-match']
const SOURCE = ['x-amz-copy-source', 'x-amz-copy-source-if-*']
const CHECKSUM_KIND = ['x-amz-checksum-algorithm', 'x-amz-checksum-type']

// prettier-ignore
const OPERATIONS: Operation[] = [
  { name: 'ListBuckets', method: 'GET', on: 'service', query: [], options: [], headers: [], run: listBuckets },

  { name: 'CreateBucket', method: 'PUT', on: 'bucket', query: [], options: [], headers: BODY, run: createBucket },
  { name: 'HeadBucket', method: 'HEAD', on: 'bucket', query: [], options: [], headers: [], run: headBucket },
  { name: 'ListObjectsV2', method: 'GET', on: 'bucket', query: ['list-type=2'], options: ['prefix', 'delimiter', 'start-after', 'continuation-token', 'max-keys', 'encoding-type'], headers: [], run: listObjects },
  { name: 'ListMultipartUploads', method: 'GET', on: 'bucket', query: ['uploads'], options: ['prefix', 'max-uploads', 'key-marker', 'upload-id-marker', 'encoding-type'], headers: [], run: listMultipartUploads },
  { name: 'DeleteObjects', method: 'POST', on: 'bucket', query: ['delete'], options: [], headers: BODY, run: deleteObjects },

  { name: 'GetObject', method: 'GET', on: 'object', query: [], options: OVERRIDES, headers: READ, run: getObject },
  { name: 'HeadObject', method: 'HEAD', on: 'object', query: [], options: OVERRIDES, headers: READ, run: getObject },
  { name: 'PutObject', method: 'PUT', on: 'object', query: [], options: [], headers: [...BODY, ...ATTRIBUTES, ...WRITE_CONDITIONS], run: putObject },
  { name: 'CopyObject', method: 'PUT', on: 'object', query: [], copies: true, options: [], headers: [...ATTRIBUTES, ...WRITE_CONDITIONS, ...SOURCE, 'x-amz-metadata-directive', 'x-amz-tagging-directive', 'x-amz-checksum-algorithm'], run: copyObject },
  { name: 'DeleteObject', method: 'DELETE', on: 'object', query: [], options: [], headers: ['if-match'], run: deleteObject },
  { name: 'GetObjectTagging', method: 'GET', on: 'object', query: ['tagging'], options: [], headers: [], run: getObjectTagging },
  { name: 'PutObjectTagging', method: 'PUT', on: 'object', query: ['tagging'], options: [], headers: BODY, run: putObjectTagging },

  { name: 'CreateMultipartUpload', method: 'POST', on: 'object', query: ['uploads'], options: [], headers: [...ATTRIBUTES, ...CHECKSUM_KIND], run: createMultipartUpload },
  { name: 'UploadPart', method: 'PUT', on: 'object', query: ['uploadId', 'partNumber'], options: [], headers: BODY, run: uploadPart },
  { name: 'UploadPartCopy', method: 'PUT', on: 'object', query: ['uploadId', 'partNumber'], copies: true, options: [], headers: [...SOURCE, 'x-amz-copy-source-range'], run: uploadPartCopy },
  { name: 'ListParts', method: 'GET', on: 'object', query: ['uploadId'], options: ['max-parts', 'part-number-marker'], headers: [], run: listParts },
  { name: 'CompleteMultipartUpload', method: 'POST', on: 'object', query: ['uploadId'], options: [], headers: [...BODY, ...WRITE_CONDITIONS, 'x-amz-mp-object-size'], run: completeMultipartUpload },
  { name: 'AbortMultipartUpload', method: 'DELETE', on: 'object', query: ['uploadId'], options: [], headers: [], run: abortMultipartUpload },
]

/** Headers that every request may have: the signature's, and what the SDKs say of themselves. */
const ALWAYS = new Set([
  'x-amz-date',
  'x-amz-content-sha256',
  'x-amz-security-token',
  'x-amz-user-agent',
  'x-amz-expected-bucket-owner',
])
/** Parameters of presigned requests, and `x-id`, in which the SDKs repeat the operation's name. */
const ALWAYS_QUERY = new Set([
  'x-id',
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
  'X-Amz-Security-Token',
  'X-Amz-Content-Sha256',
])

/**
 * The operation that a request asks for.
 * @throws S3Error NotImplemented, for a request that is none of ours and for one that has a query parameter or a header that its operation
 * does not know here: ignoring it could change what the request means
 */
export function findOperation(call: S3Call): Operation {
  const on = call.bucket === '' ? 'service' : call.key === '' ? 'bucket' : 'object'
  const copies = call.request.headers['x-amz-copy-source'] !== undefined
  const [operation] = OPERATIONS.filter(
    (one) =>
      one.method === call.method &&
      one.on === on &&
      (one.copies ?? false) === copies &&
      one.query.every((parameter) => hasParameter(call.query, parameter)),
  ).sort((one, other) => other.query.length - one.query.length)
  if (operation === undefined) {
    const names = [...call.query.keys()].filter((name) => !ALWAYS_QUERY.has(name))
    const query = names.length === 0 ? '' : ` with the query ${names.join('&')}`
    throw notImplemented(`${call.method} on ${on === 'service' ? 'the service' : `a ${on}`}${query}`)
  }
  refuseUnknown(call, operation)
  return operation
}

function refuseUnknown(call: S3Call, operation: Operation): void {
  const parameters = operation.query.map((parameter) => parameter.replace(/=.*/, ''))
  const known = new Set([...parameters, ...operation.options])
  for (const name of call.query.keys()) {
    if (!known.has(name) && !ALWAYS_QUERY.has(name)) {
      throw notImplemented(`the query parameter ${name} of ${operation.name}`)
    }
  }
  for (const name of Object.keys(call.request.headers)) {
    const significant = name.startsWith('x-amz-') || READS.includes(name)
    if (significant && !ALWAYS.has(name) && !operation.headers.some((pattern) => isHeader(name, pattern))) {
      throw notImplemented(`the header ${name} of ${operation.name}`)
    }
  }
}

function hasParameter(query: Map<string, string>, parameter: string): boolean {
  const [name = '', value] = parameter.split('=')
  return value === undefined ? query.has(name) : query.get(name) === value
}

function isHeader(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}
