import type { IncomingMessage, ServerResponse } from 'node:http'
import { AccessDenied, type Call } from '../gateway/service.ts'
import type { Bodies } from './bodies.ts'
import { invalidArgument, noSuchBucket, S3Error } from './errors.ts'
import type { ObjectIndex } from './object-index.ts'

/** What an object was created by; the operations that S3 itself tells its listeners of. */
export type CreatedBy = 'PutObject' | 'CopyObject' | 'CompleteMultipartUpload'

export interface ObjectCreated {
  bucket: string
  key: string
  etag: string
  /** bytes */
  size: number
  operation: CreatedBy
}

/** The buckets and what belongs to them. */
export interface Store {
  index: ObjectIndex
  bodies: Bodies
  anonymousRead: ReadonlySet<string>
  onObjectCreated: (event: ObjectCreated) => void
}

/** One request to S3, with everything that an operation needs to answer it. */
export interface S3Call {
  store: Store
  request: IncomingMessage
  response: ServerResponse
  call: Call
  method: string
  /** '' for the service itself (ListBuckets) */
  bucket: string
  /** '' for the bucket itself */
  key: string
  query: Map<string, string>
  requestId: string
}

/** Bytes of a key in UTF-8. Source: S3 user guide, "Naming Amazon S3 objects". */
const LONGEST_KEY = 1024

/**
 * Reads bucket, key and query of a path-style URL. Like S3, takes a `+` for a space, in the path as in the query: a client that means a
 * plus sign sends `%2B`.
 * @throws S3Error InvalidURI, KeyTooLongError
 */
export function parseTarget(url: string): { bucket: string; key: string; query: Map<string, string> } {
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const slash = path.indexOf('/', 1)
  const bucket = decode(slash === -1 ? path.slice(1) : path.slice(1, slash))
  const key = slash === -1 ? '' : decode(path.slice(slash + 1))
  if (Buffer.byteLength(key) > LONGEST_KEY) {
    throw new S3Error(400, 'KeyTooLongError', `Your key is longer than ${LONGEST_KEY} bytes`)
  }
  const query = new Map<string, string>()
  for (const field of mark === -1 ? [] : url.slice(mark + 1).split('&')) {
    if (field === '') continue
    const equals = field.indexOf('=')
    const name = decode(equals === -1 ? field : field.slice(0, equals))
    if (query.has(name))
      throw invalidArgument(name, '', `The query parameter ${name} is there more than once`)
    query.set(name, equals === -1 ? '' : decode(field.slice(equals + 1)))
  }
  return { bucket, key, query }
}

export function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new S3Error(400, 'InvalidURI', 'The URI holds a percent-encoding that is not UTF-8')
  }
}

/** A request header; several of one name are joined as HTTP says. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

/** ARN of the bucket, or of one of its objects. */
export function arnOf(bucket: string, key?: string): string {
  return `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`
}

/** What the switch for anonymous reading grants: as a bucket policy would that lets everybody get objects, and be told which are missing. */
const ANONYMOUS_ACTIONS = new Set(['s3:GetObject', 's3:ListBucket'])

/**
 * Asks for a permission. Nobody is asked when an anonymous caller reads a bucket that was made readable for everybody.
 * @throws AccessDenied
 */
export function authorize(
  { call, store }: Pick<S3Call, 'call' | 'store'>,
  action: string,
  bucket: string,
  key?: string,
  context?: Record<string, string | undefined>,
): void {
  const anonymous = call.caller.kind === 'anonymous'
  if (anonymous && ANONYMOUS_ACTIONS.has(action) && store.anonymousRead.has(bucket)) return
  call.authorize(action, arnOf(bucket, key), context)
}

/** Whether the caller has a permission, for answers that depend on it. */
export function mayPerform(
  call: Pick<S3Call, 'call' | 'store'>,
  action: string,
  bucket: string,
  key?: string,
): boolean {
  try {
    authorize(call, action, bucket, key)
    return true
  } catch (error) {
    if (error instanceof AccessDenied) return false
    throw error
  }
}

/** @throws NoSuchBucket */
export function requireBucket({ store }: Pick<S3Call, 'store'>, bucket: string): void {
  if (!store.index.hasBucket(bucket)) throw noSuchBucket(bucket)
}
