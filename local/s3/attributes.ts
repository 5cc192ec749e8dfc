import type { IncomingMessage } from 'node:http'
import { invalidArgument, notImplemented, S3Error } from './errors.ts'
import type { ObjectAttributes, Tag } from './records.ts'
import { decode, headerOf } from './request.ts'

/** The headers that S3 keeps with an object and gives back. */
const KEPT_HEADERS = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
]

const METADATA = 'x-amz-meta-'
// 2 KB of user metadata: S3 user guide, "Working with object metadata".
const LARGEST_METADATA = 2048
// S3 user guide, "Categorizing your objects using tags".
const MOST_TAGS = 10
const LONGEST_TAG_KEY = 128
const LONGEST_TAG_VALUE = 256

/**
 * What a request says about the object that it makes.
 * @throws S3Error MetadataTooLarge; NotImplemented for a storage class or an encryption other than S3's default
 */
export function attributesOf(request: IncomingMessage): ObjectAttributes {
  requireDefault(request, 'x-amz-storage-class', 'STANDARD')
  requireDefault(request, 'x-amz-server-side-encryption', 'AES256')
  const headers: Record<string, string> = {}
  for (const name of KEPT_HEADERS) {
    const value = name === 'content-encoding' ? contentEncoding(request) : headerOf(request, name)
    if (value !== undefined) headers[name] = value
  }
  headers['content-type'] ??= 'binary/octet-stream'
  const metadata: Record<string, string> = {}
  let size = 0
  for (const name of Object.keys(request.headers)) {
    if (!name.startsWith(METADATA)) continue
    const value = headerOf(request, name) ?? ''
    metadata[name.slice(METADATA.length)] = value
    size += name.length - METADATA.length + value.length
  }
  if (size > LARGEST_METADATA) {
    throw new S3Error(
      400,
      'MetadataTooLarge',
      `Your metadata headers exceed the maximum allowed metadata size of ${LARGEST_METADATA} bytes`,
    )
  }
  return { headers, metadata }
}

/** The headers by which an object's attributes are answered. */
export function attributeHeaders({ headers, metadata }: ObjectAttributes): Record<string, string> {
  const named = Object.entries(metadata).map(([name, value]) => [`${METADATA}${name}`, value])
  return { ...headers, ...Object.fromEntries(named) }
}

/** The tags of the header x-amz-tagging, which has the form of a query string. @throws S3Error InvalidArgument, InvalidTag */
export function tagsOf(request: IncomingMessage): Tag[] {
  const text = headerOf(request, 'x-amz-tagging')
  if (text === undefined || text === '') return []
  const tags = text.split('&').map((field): Tag => {
    const equals = field.indexOf('=')
    if (equals === -1) return { key: decode(field), value: '' }
    return { key: decode(field.slice(0, equals)), value: decode(field.slice(equals + 1)) }
  })
  checkTags(tags)
  return tags
}

/** @throws S3Error InvalidTag, BadRequest */
export function checkTags(tags: Tag[]): void {
  if (tags.length > MOST_TAGS) {
    throw new S3Error(400, 'BadRequest', `Object tags cannot be greater than ${MOST_TAGS}`)
  }
  const keys = new Set(tags.map((tag) => tag.key))
  if (keys.size < tags.length) {
    throw new S3Error(400, 'InvalidTag', 'Cannot provide multiple Tags with the same key')
  }
  for (const { key, value } of tags) {
    if (key === '' || key.length > LONGEST_TAG_KEY) {
      throw new S3Error(400, 'InvalidTag', 'The TagKey you have provided is invalid')
    }
    if (value.length > LONGEST_TAG_VALUE) {
      throw new S3Error(400, 'InvalidTag', 'The TagValue you have provided is invalid')
    }
  }
}

/** The value of a directive header. @throws S3Error InvalidArgument */
export function directiveOf(request: IncomingMessage, name: string): 'COPY' | 'REPLACE' {
  const value = headerOf(request, name) ?? 'COPY'
  if (value !== 'COPY' && value !== 'REPLACE') throw invalidArgument(name, value, 'Unknown directive.')
  return value
}

/** `aws-chunked` describes the transfer, not the object. */
function contentEncoding(request: IncomingMessage): string | undefined {
  const kept = (headerOf(request, 'content-encoding') ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'aws-chunked')
  return kept.length === 0 ? undefined : kept.join(',')
}

function requireDefault(request: IncomingMessage, name: string, value: string): void {
  const actual = headerOf(request, name)
  if (actual !== undefined && actual !== value) throw notImplemented(`${name}: ${actual}`)
}
