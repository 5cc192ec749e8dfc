import { closeSync, createReadStream, readSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { OutgoingHttpHeaders } from 'node:http'
import { attributeHeaders } from './attributes.ts'
import { answerEmpty, write } from './answer.ts'
import { headerOf as headerOfAlgorithm } from './checksums.ts'
import { isWanted, matchesEtag, type ReadConditions } from './conditions.ts'
import { invalidRequest, noSuchKey } from './errors.ts'
import type { StoredObject } from './records.ts'
import { AccessDenied } from '../gateway/service.ts'
import { arnOf, authorize, headerOf, mayPerform, requireBucket, type S3Call } from './request.ts'
import { parseRange, type ByteRange } from './range.ts'

// Up to this many bytes are read in one go: for a narinfo, a stream costs more than the reading.
const SMALL = 64 * 1024
const READ_AHEAD = 256 * 1024

/** Query parameters by which a signed GetObject may change the headers of its answer. */
export const OVERRIDES = [
  'response-content-type',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-expires',
]

/** GetObject and HeadObject, which differ in the body alone. */
export async function getObject(call: S3Call): Promise<void> {
  authorize(call, 's3:GetObject', call.bucket, call.key)
  requireBucket(call, call.bucket)
  const object = findObject(call, call.bucket, call.key)
  const headers = { ...objectHeaders(call, object), ...overrides(call) }
  if (!isWanted(readConditions(call), object)) {
    return answerEmpty(call, 304, {
      etag: headers['etag'],
      'last-modified': headers['last-modified'],
      'cache-control': headers['cache-control'],
    })
  }
  const ifRange = headerOf(call.request, 'if-range')
  const range =
    ifRange === undefined || matchesEtag(ifRange, object.etag)
      ? parseRange(headerOf(call.request, 'range'), object.size)
      : undefined
  if (range !== undefined) {
    headers['content-range'] = `bytes ${range.start}-${range.end}/${object.size}`
    // The checksum is the whole object's.
    for (const name of Object.keys(headers)) if (name.startsWith('x-amz-checksum-')) delete headers[name]
  }
  const { start, end } = range ?? { start: 0, end: object.size - 1 }
  headers['content-length'] = end - start + 1
  const status = range === undefined ? 200 : 206
  if (call.method === 'HEAD') return answerEmpty(call, status, headers)
  await sendBody(call, object, { start, end }, status, headers)
}

/**
 * The object, or the error that S3 gives: only who may list the bucket is told that a key does not exist.
 * @throws S3Error NoSuchKey; AccessDenied
 */
export function findObject(call: S3Call, bucket: string, key: string): StoredObject {
  const object = call.store.index.object(bucket, key)
  if (object !== undefined) return object
  if (mayPerform(call, 's3:ListBucket', bucket)) throw noSuchKey(key)
  throw new AccessDenied(
    `${arnOf(bucket, key)} does not exist, and S3 tells so only to a caller who may perform s3:ListBucket on ${arnOf(bucket)}`,
  )
}

function objectHeaders(call: S3Call, object: StoredObject): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    ...attributeHeaders(object.attributes),
    'accept-ranges': 'bytes',
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.modified).toUTCString(),
  }
  if (object.checksum !== undefined && headerOf(call.request, 'x-amz-checksum-mode') === 'ENABLED') {
    headers[headerOfAlgorithm(object.checksum.algorithm)] = object.checksum.value
    headers['x-amz-checksum-type'] = object.checksum.type
  }
  return headers
}

function overrides(call: S3Call): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {}
  for (const name of OVERRIDES) {
    const value = call.query.get(name)
    if (value === undefined) continue
    if (call.call.caller.kind === 'anonymous') {
      throw invalidRequest('Request specific response headers cannot be used for anonymous GET requests.')
    }
    headers[name.slice('response-'.length)] = value
  }
  return headers
}

function readConditions({ request }: S3Call): ReadConditions {
  return {
    ifMatch: headerOf(request, 'if-match'),
    ifNoneMatch: headerOf(request, 'if-none-match'),
    ifModifiedSince: headerOf(request, 'if-modified-since'),
    ifUnmodifiedSince: headerOf(request, 'if-unmodified-since'),
  }
}

async function sendBody(
  call: S3Call,
  object: StoredObject,
  { start, end }: ByteRange,
  status: number,
  headers: OutgoingHttpHeaders,
): Promise<void> {
  const length = end - start + 1
  const whole = call.store.bodies.whole(object.file)
  if (whole !== undefined) {
    write(call.response, status, headers, call.requestId)
    call.response.end(whole.subarray(start, end + 1))
    return
  }
  const descriptor = call.store.bodies.open(object.file)
  if (length <= SMALL) {
    const body = Buffer.alloc(length)
    try {
      readSync(descriptor, body, 0, length, start)
    } finally {
      closeSync(descriptor)
    }
    write(call.response, status, headers, call.requestId)
    call.response.end(body)
    return
  }
  write(call.response, status, headers, call.requestId)
  const body = createReadStream('', { fd: descriptor, start, end, highWaterMark: READ_AHEAD })
  try {
    await pipeline(body, call.response)
  } catch (error) {
    // The client hung up: there is nobody left to tell.
    if (!call.response.destroyed || !body.destroyed || !isPrematureClose(error)) throw error
  }
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}
