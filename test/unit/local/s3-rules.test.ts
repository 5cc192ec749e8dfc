import { describe, expect, test } from 'vitest'
import { compositeChecksum, createDigest, type ChecksumAlgorithm } from '../../../local/s3/checksums.ts'
import {
  checkDeleteCondition,
  checkWriteConditions,
  isWanted,
  type ReadConditions,
} from '../../../local/s3/conditions.ts'
import { successor } from '../../../local/s3/listing.ts'
import { parseCopyRange, parseRange } from '../../../local/s3/range.ts'
import { parseTarget } from '../../../local/s3/request.ts'
import { element, parseXml } from '../../../local/s3/xml.ts'

describe('checksums of "123456789", by the catalogue of parametrised CRC algorithms and FIPS 180', () => {
  test.each<[ChecksumAlgorithm, string]>([
    ['crc32', 'cbf43926'],
    ['crc32c', 'e3069283'],
    ['crc64nvme', 'ae8b14860a799888'],
    ['sha1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
    ['sha256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
  ])('%s', (algorithm, hex) => {
    const digest = createDigest(algorithm)
    digest.update(Buffer.from('12345'))
    digest.update(Buffer.from('6789'))
    expect(digest.digest().toString('hex')).toBe(hex)
  })

  test('a composite checksum is that of the raw checksums of the parts, with their number', () => {
    const whole = createDigest('sha256')
    whole.update(Buffer.alloc(64, 1))
    const part = Buffer.alloc(32, 1).toString('base64')
    expect(compositeChecksum('sha256', [part, part])).toBe(`${whole.digest().toString('base64')}-2`)
  })
})

describe('Range', () => {
  test.each<[string | undefined, number, [number, number] | undefined]>([
    ['bytes=0-9', 100, [0, 9]],
    ['bytes=90-', 100, [90, 99]],
    ['bytes=90-1000', 100, [90, 99]],
    ['bytes=-10', 100, [90, 99]],
    ['bytes=-1000', 100, [0, 99]],
    ['bytes=99-99', 100, [99, 99]],
    [undefined, 100, undefined],
    ['bytes=9-0', 100, undefined],
    ['bytes=-', 100, undefined],
    ['lines=1-2', 100, undefined],
  ])('%s of %i bytes', (header, size, expected) => {
    const range = parseRange(header, size)
    expect(range && [range.start, range.end]).toEqual(expected)
  })

  test.each([
    ['bytes=100-', 100],
    ['bytes=-0', 100],
    ['bytes=0-', 0],
  ])('%s of %i bytes cannot be satisfied', (header, size) => {
    expect(() => parseRange(header, size)).toThrow(
      expect.objectContaining({
        status: 416,
        code: 'InvalidRange',
        headers: { 'content-range': `bytes */${size}` },
      }),
    )
  })

  test('several ranges are refused by name', () => {
    expect(() => parseRange('bytes=0-1,5-6', 10)).toThrow(expect.objectContaining({ code: 'NotImplemented' }))
  })

  test.each(['bytes=0-', 'bytes=-5', '0-5', 'bytes=5-4'])('x-amz-copy-source-range %s', (header) => {
    expect(() => parseCopyRange(header, 100)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
  })
})

describe('conditions', () => {
  const noon = Date.parse('2026-03-01T12:00:00Z')
  const object = { etag: 'abc', modified: noon + 400 }
  const before = 'Sun, 01 Mar 2026 11:59:59 GMT'
  const same = 'Sun, 01 Mar 2026 12:00:00 GMT'

  test.each<[string, Partial<ReadConditions>, 'sent' | '304' | '412']>([
    ['none', {}, 'sent'],
    ['If-Match', { ifMatch: '"abc"' }, 'sent'],
    ['If-Match without quotes', { ifMatch: 'abc' }, 'sent'],
    ['If-Match, one of several', { ifMatch: '"x", "abc"' }, 'sent'],
    ['If-Match *', { ifMatch: '*' }, 'sent'],
    ['If-Match, another', { ifMatch: '"x"' }, '412'],
    ['If-None-Match', { ifNoneMatch: '"x"' }, 'sent'],
    ['If-None-Match, the same', { ifNoneMatch: 'W/"abc"' }, '304'],
    ['If-Modified-Since, earlier', { ifModifiedSince: before }, 'sent'],
    ['If-Modified-Since, the same second', { ifModifiedSince: same }, '304'],
    ['If-Modified-Since, no date', { ifModifiedSince: 'yesterday' }, 'sent'],
    ['If-Unmodified-Since, the same second', { ifUnmodifiedSince: same }, 'sent'],
    ['If-Unmodified-Since, earlier', { ifUnmodifiedSince: before }, '412'],
    ['If-Match overrides If-Unmodified-Since', { ifMatch: '"abc"', ifUnmodifiedSince: before }, 'sent'],
    ['If-None-Match overrides If-Modified-Since', { ifNoneMatch: '"x"', ifModifiedSince: same }, 'sent'],
  ])('a read with %s', (_, conditions, expected) => {
    const all = {
      ifMatch: undefined,
      ifNoneMatch: undefined,
      ifModifiedSince: undefined,
      ifUnmodifiedSince: undefined,

      ...conditions,
    }
    if (expected === '412') {
      expect(() => isWanted(all, object)).toThrow(expect.objectContaining({ status: 412 }))
    } else {
      expect(isWanted(all, object)).toBe(expected === 'sent')
    }
  })

  test.each<[string, string | undefined, string | undefined, typeof object | undefined, number | 'done']>([
    ['no condition, new', undefined, undefined, undefined, 'done'],
    ['no condition, there', undefined, undefined, object, 'done'],
    ['If-None-Match *, new', undefined, '*', undefined, 'done'],
    ['If-None-Match *, there', undefined, '*', object, 412],
    ['If-None-Match with an ETag', undefined, '"abc"', object, 501],
    ['If-Match, the same', '"abc"', undefined, object, 'done'],
    ['If-Match, another', '"x"', undefined, object, 412],
    ['If-Match, gone', '"abc"', undefined, undefined, 404],
    ['If-Match *', '*', undefined, object, 501],
    ['both', '"abc"', '*', undefined, 501],
  ])('a write with %s', (_, ifMatch, ifNoneMatch, existing, expected) => {
    const write = (): void => checkWriteConditions({ ifMatch, ifNoneMatch }, 'key', existing)
    if (expected === 'done') expect(write).not.toThrow()
    else expect(write).toThrow(expect.objectContaining({ status: expected }))
  })

  test.each<[string, string | undefined, typeof object | undefined, number | 'done']>([
    ['no condition, gone', undefined, undefined, 'done'],
    ['If-Match, the same', '"abc"', object, 'done'],
    ['If-Match *, there', '*', object, 'done'],
    ['If-Match, another', '"x"', object, 412],
    ['If-Match, gone', '"abc"', undefined, 404],
    ['If-Match *, gone', '*', undefined, 404],
  ])('a delete with %s', (_, ifMatch, existing, expected) => {
    const remove = (): void => checkDeleteCondition(ifMatch, 'key', existing)
    if (expected === 'done') expect(remove).not.toThrow()
    else expect(remove).toThrow(expect.objectContaining({ status: expected }))
  })
})

describe('the text behind every text with a prefix', () => {
  test.each<[string, string | undefined]>([
    ['a/', 'a0'],
    ['', undefined],
    ['\u{d7ff}', '\u{e000}'],
    ['a\u{10ffff}', 'b'],
    ['\u{10ffff}', undefined],
  ])('%j', (prefix, expected) => {
    expect(successor(prefix)).toBe(expected)
  })
})

describe('targets', () => {
  test.each<[string, string, string, [string, string][]]>([
    ['/', '', '', []],
    ['/cache', 'cache', '', []],
    ['/cache/', 'cache', '', []],
    [
      '/cache/a/b?list-type=2&prefix=x%2Fy',
      'cache',
      'a/b',
      [
        ['list-type', '2'],
        ['prefix', 'x/y'],
      ],
    ],
    ['/cache//a//', 'cache', '/a//', []],
    ['/cache/gtk%2B-2', 'cache', 'gtk+-2', []],
    ['/cache/gtk+-2', 'cache', 'gtk -2', []],
    ['/cache/%E2%82%AC%25?delete', 'cache', '€%', [['delete', '']]],
  ])('%s', (url, bucket, key, query) => {
    expect(parseTarget(url)).toEqual({ bucket, key, query: new Map(query) })
  })

  test.each([
    ['/cache/%FF', 'InvalidURI'],
    [`/cache/${'x'.repeat(1025)}`, 'KeyTooLongError'],
    ['/cache?prefix=a&prefix=b', 'InvalidArgument'],
  ])('%.40s is refused with %s', (url, code) => {
    expect(() => parseTarget(url)).toThrow(expect.objectContaining({ code }))
  })
})

describe('XML', () => {
  test.each([' spaces ', 'a & b < c > d "e"', 'line\nfeed\rreturn\ttab', '€ \u{1f600}', '&amp;', ''])(
    'the text %j survives',
    (text) => {
      expect(parseXml(element('Key', text), 'Key').text).toBe(text)
    },
  )

  test.each([
    ['not XML', 'hello'],
    ['an element that is not closed', '<Delete><Object></Delete>'],
    ['another root', '<Remove></Remove>'],
    ['a document type', '<!DOCTYPE Delete [<!ENTITY x "y">]><Delete>&x;</Delete>'],
  ])('%s is malformed', (_, text) => {
    expect(() => parseXml(text, 'Delete')).toThrow(expect.objectContaining({ code: 'MalformedXML' }))
  })
})
