import { answerXml } from './answer.ts'
import { invalidArgument } from './errors.ts'
import type { KeyRange, ObjectIndex } from './object-index.ts'
import type { StoredObject } from './records.ts'
import { authorize, requireBucket, type S3Call } from './request.ts'
import { document, element, type Markup } from './xml.ts'

// S3 API reference, ListObjectsV2: a page never has more.
const LARGEST_PAGE = 1000
// Rows read at once with a delimiter: the first common prefix may make all behind it superfluous, or none.
const LOOK_AHEAD = 128

type Listed = Pick<StoredObject, 'key' | 'etag' | 'size' | 'modified'>

export interface Page {
  objects: Listed[]
  commonPrefixes: string[]
  /** where the next page begins; undefined when this one is the last */
  next: Position | undefined
}

/** A place between two keys: behind a key, or at the first key that a common prefix does not cover. */
type Position = { after: string } | { from: string }

/** ListObjectsV2. */
export function listObjects(call: S3Call): void {
  const { store, bucket, query } = call
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter')
  authorize(call, 's3:ListBucket', bucket, undefined, {
    's3:prefix': query.get('prefix'),
    's3:delimiter': delimiter,
    's3:max-keys': query.get('max-keys'),
  })
  requireBucket(call, bucket)
  const maxKeys = parsePageSize('max-keys', query.get('max-keys'), LARGEST_PAGE)
  const token = query.get('continuation-token')
  const startAfter = query.get('start-after')
  const start: Position | undefined =
    token === undefined ? (startAfter === undefined ? undefined : { after: startAfter }) : parseToken(token)
  const page = readPage(store.index, { bucket, prefix, delimiter: delimiter ?? '', start, maxKeys })
  const encode = encoderOf(query.get('encoding-type'))

  answerXml(
    call,
    document('ListBucketResult', [
      element('Name', bucket),
      element('Prefix', encode(prefix)),
      element('Delimiter', delimiter === undefined ? undefined : encode(delimiter)),
      element('MaxKeys', maxKeys),
      element('KeyCount', page.objects.length + page.commonPrefixes.length),
      element('IsTruncated', page.next !== undefined),
      element('ContinuationToken', token),
      element('NextContinuationToken', page.next === undefined ? undefined : printToken(page.next)),
      element('StartAfter', startAfter === undefined ? undefined : encode(startAfter)),
      element('EncodingType', query.get('encoding-type')),
      ...page.objects.map((object) => contents(object, encode)),
      ...page.commonPrefixes.map((one) => element('CommonPrefixes', [element('Prefix', encode(one))])),
    ]),
  )
}

/**
 * One page of keys in the order of their bytes. With a delimiter, keys that have it behind the prefix are rolled up into common prefixes,
 * each of which is found by one seek, however many keys it covers.
 */
export function readPage(
  index: Pick<ObjectIndex, 'page'>,
  {
    bucket,
    prefix,
    delimiter,
    start,
    maxKeys,
  }: { bucket: string; prefix: string; delimiter: string; start: Position | undefined; maxKeys: number },
): Page {
  const page: Page = { objects: [], commonPrefixes: [], next: undefined }
  if (maxKeys === 0) return page
  let position = start
  for (;;) {
    const limit = delimiter === '' ? maxKeys - page.objects.length + 1 : LOOK_AHEAD
    const rows = index.page(bucket, rangeOf(prefix, position), limit)
    let rolledUp: string | undefined
    for (const row of rows) {
      if (rolledUp !== undefined && row.key.startsWith(rolledUp)) continue
      // One more than fits tells that there is another page.
      if (page.objects.length + page.commonPrefixes.length === maxKeys) return { ...page, next: position }
      const end = delimiter === '' ? -1 : row.key.indexOf(delimiter, prefix.length)
      if (end === -1) {
        page.objects.push(row)
        position = { after: row.key }
        continue
      }
      rolledUp = row.key.slice(0, end + delimiter.length)
      page.commonPrefixes.push(rolledUp)
      const behind = successor(rolledUp)
      if (behind === undefined) return page
      position = { from: behind }
    }
    if (rows.length < limit) return page
  }
}

/**
 * The least text that sorts behind every text with this prefix, in the order of UTF-8 bytes, which is the order of code points.
 * @returns undefined when there is none
 */
export function successor(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  while (points.length > 0) {
    const last = (points.pop() ?? 0) + 1
    // U+D800 to U+DFFF are no characters.
    if (last <= 0x10ffff) return String.fromCodePoint(...points, last === 0xd800 ? 0xe000 : last)
  }
  return undefined
}

/** @throws S3Error InvalidArgument */
export function parsePageSize(name: string, text: string | undefined, largest: number): number {
  if (text === undefined) return largest
  if (!/^\d{1,10}$/.test(text))
    throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`)
  return Math.min(Number(text), largest)
}

/** How keys are written in an answer: percent-encoded when asked for, because XML cannot hold every character. @throws S3Error InvalidArgument */
export function encoderOf(encodingType: string | undefined): (key: string) => string {
  if (encodingType === undefined) return (key) => key
  if (encodingType !== 'url') {
    throw invalidArgument('encoding-type', encodingType, 'Invalid Encoding Method specified in Request')
  }
  return (key) => encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')
}

function rangeOf(prefix: string, position: Position | undefined): KeyRange {
  const before = prefix === '' ? undefined : successor(prefix)
  if (position === undefined) return { from: prefix, inclusive: true, before }
  const inclusive = 'from' in position
  const from = inclusive ? position.from : position.after
  // A position before the prefix comes from start-after, or from another listing's token.
  const behindPrefix = Buffer.compare(Buffer.from(from), Buffer.from(prefix)) >= 0
  return behindPrefix ? { from, inclusive, before } : { from: prefix, inclusive: true, before }
}

function contents(object: Listed, encode: (key: string) => string): Markup {
  return element('Contents', [
    element('Key', encode(object.key)),
    element('LastModified', new Date(Math.floor(object.modified / 1000) * 1000).toISOString()),
    element('ETag', `"${object.etag}"`),
    element('Size', object.size),
    element('StorageClass', 'STANDARD'),
  ])
}

function printToken(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

function parseToken(token: string): Position {
  try {
    const position: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    if (typeof position === 'object' && position !== null) {
      if ('after' in position && typeof position.after === 'string') return { after: position.after }
      if ('from' in position && typeof position.from === 'string') return { from: position.from }
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect')
}
