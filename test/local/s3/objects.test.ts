import {
  CopyObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { outcome, pseudoRandomBytes } from './answers.ts'
import { serverForThisFile } from './server-fixture.ts'

const Bucket = 'cache'
const created: string[] = []
const fixture = serverForThisFile([Bucket, 'other'], {
  onObjectCreated: ({ bucket, key, operation, size }) =>
    created.push(`${operation} ${bucket}/${key} ${size}`),
})

async function text(Key: string, more: object = {}): Promise<string | undefined> {
  const { Body } = await fixture.s3.send(new GetObjectCommand({ Bucket, Key, ...more }))
  return Body?.transformToString()
}

describe('what was put is got', () => {
  test.each([0, 1, 65_536, 65_537, 1_000_003])('%i bytes', async (size) => {
    const Body = pseudoRandomBytes(size)
    const Key = `size/${size}`
    const { ETag } = await fixture.s3.send(new PutObjectCommand({ Bucket, Key, Body }))
    expect(ETag).toBe(`"${createHash('md5').update(Body).digest('hex')}"`)
    const got = await fixture.s3.send(new GetObjectCommand({ Bucket, Key }))
    expect(got).toMatchObject({ ContentLength: size, ETag, AcceptRanges: 'bytes' })
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true)
  })

  test('30 MB in one PutObject, from a stream', async () => {
    const bytes = pseudoRandomBytes(30_000_000)
    const Body = Readable.from([bytes.subarray(0, 10_000_000), bytes.subarray(10_000_000)])
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body, ContentLength: bytes.length }))
    const { Body: got } = await fixture.s3.send(new GetObjectCommand({ Bucket, Key: 'large' }))
    expect(Buffer.from((await got?.transformToByteArray()) ?? []).equals(bytes)).toBe(true)
  })

  test('headers and user metadata', async () => {
    const attributes = {
      ContentType: 'text/x-nix-narinfo',
      CacheControl: 'max-age=30',
      ContentEncoding: 'zstd',
      ContentDisposition: 'inline',
      ContentLanguage: 'en',
      Metadata: { run: 'warm-1', 'drv-name': 'hello' },
    }
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'attributes', Body: 'x', ...attributes }))
    expect(await fixture.s3.send(new GetObjectCommand({ Bucket, Key: 'attributes' }))).toMatchObject(
      attributes,
    )
    expect(await fixture.s3.send(new HeadObjectCommand({ Bucket, Key: 'attributes' }))).toMatchObject({
      ...attributes,
      ContentLength: 1,
    })
  })

  test('without a Content-Type it is binary/octet-stream', async () => {
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'untyped', Body: Buffer.from('x') }))
    const { ContentType } = await fixture.s3.send(new HeadObjectCommand({ Bucket, Key: 'untyped' }))
    expect(ContentType).toMatch(/octet-stream$/)
  })

  test('the last of several wins', async () => {
    for (const Body of ['one', 'two', 'three']) {
      await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'again', Body }))
    }
    expect(await text('again')).toBe('three')
  })
})

describe('odd keys', () => {
  const keys = [
    'with space',
    'plus+plus',
    '100%',
    '%2B is not a plus',
    'a//b///c',
    '/leading',
    'trailing/',
    'dir/trailing//',
    'ünïcode/日本/😀',
    'quotes\'"&<>;',
    'nar/1abc.nar.zst?x=1#y',
    '.',
    '..',
    'a/../b',
    'tab\tline\nreturn\r',
    'x'.repeat(1024),
  ]
  test.each(keys.map((key) => [key.slice(0, 40), key] as const))('%j', async (_, Key) => {
    await fixture.s3.send(new PutObjectCommand({ Bucket: 'other', Key, Body: `body of ${Key}` }))
    const { Body } = await fixture.s3.send(new GetObjectCommand({ Bucket: 'other', Key }))
    expect(await Body?.transformToString()).toBe(`body of ${Key}`)
    const { Contents } = await fixture.s3.send(new ListObjectsV2Command({ Bucket: 'other', Prefix: Key }))
    expect(Contents?.map((object) => object.Key)).toContain(Key)
    const CopySource = `other/${encodeURIComponent(Key)}`
    expect(await outcome(fixture.s3.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource })))).toBe(
      '200',
    )
    expect(await text('copied')).toBe(`body of ${Key}`)
  })

  test('1,025 bytes are too many', async () => {
    const put = new PutObjectCommand({ Bucket, Key: 'ü'.repeat(513), Body: 'x' })
    expect(await outcome(fixture.s3.send(put))).toBe('400 KeyTooLongError')
  })
})

describe('ranges', () => {
  const size = 300_000
  const bytes = pseudoRandomBytes(size)

  test.each<[string, number, number]>([
    ['bytes=0-9', 0, 10],
    ['bytes=100-200000', 100, 200_001],
    ['bytes=299990-', 299_990, size],
    ['bytes=-10', 299_990, size],
    ['bytes=299999-400000', 299_999, size],
  ])('%s', async (Range, start, end) => {
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'ranged', Body: bytes }))
    const got = await fixture.s3.send(new GetObjectCommand({ Bucket, Key: 'ranged', Range }))
    expect(got).toMatchObject({
      $metadata: { httpStatusCode: 206 },
      ContentRange: `bytes ${start}-${end - 1}/${size}`,
      ContentLength: end - start,
    })
    const body = Buffer.from((await got.Body?.transformToByteArray()) ?? [])
    expect(body.equals(bytes.subarray(start, end))).toBe(true)
  })

  test('none of its bytes', async () => {
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'short', Body: 'abc' }))
    const get = new GetObjectCommand({ Bucket, Key: 'short', Range: 'bytes=3-' })
    expect(await outcome(fixture.s3.send(get))).toBe('416 InvalidRange')
  })
})

describe('conditional reads', () => {
  test.each<[string, (etag: string) => object, string]>([
    ['IfNoneMatch, the same', (etag) => ({ IfNoneMatch: etag }), '304'],
    ['IfNoneMatch, another', () => ({ IfNoneMatch: '"x"' }), '200'],
    ['IfMatch, the same', (etag) => ({ IfMatch: etag }), '200'],
    ['IfMatch, another', () => ({ IfMatch: '"x"' }), '412'],
    ['IfModifiedSince, later', () => ({ IfModifiedSince: new Date(Date.now() + 60_000) }), '304'],
    ['IfModifiedSince, earlier', () => ({ IfModifiedSince: new Date(0) }), '200'],
    ['IfUnmodifiedSince, earlier', () => ({ IfUnmodifiedSince: new Date(0) }), '412'],
  ])('%s', async (_, conditions, expected) => {
    const { ETag = '' } = await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'read', Body: 'x' }))
    const input = { Bucket, Key: 'read', ...conditions(ETag) }
    expect((await outcome(fixture.s3.send(new GetObjectCommand(input)))).slice(0, 3)).toBe(expected)
    expect((await outcome(fixture.s3.send(new HeadObjectCommand(input)))).slice(0, 3)).toBe(expected)
  })
})

describe('copies', () => {
  const source = {
    Bucket,
    Key: 'original',
    Body: 'bytes',
    ContentType: 'text/plain',
    ContentEncoding: 'gzip',
    Metadata: { a: '1' },
    Tagging: 'team=core&note=a%20b',
  }
  const copy = (Key: string, more: object = {}): CopyObjectCommand =>
    new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/original`, ...more })

  test('have the attributes and tags of their source', async () => {
    const { ETag } = await fixture.s3.send(new PutObjectCommand(source))
    const { CopyObjectResult } = await fixture.s3.send(copy('plain-copy'))
    expect(CopyObjectResult?.ETag).toBe(ETag)
    expect(await fixture.s3.send(new GetObjectCommand({ Bucket, Key: 'plain-copy' }))).toMatchObject({
      ContentType: 'text/plain',
      ContentEncoding: 'gzip',
      Metadata: { a: '1' },
    })
    const { TagSet } = await fixture.s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'plain-copy' }))
    expect(TagSet).toEqual([
      { Key: 'team', Value: 'core' },
      { Key: 'note', Value: 'a b' },
    ])
  })

  test('MetadataDirective and TaggingDirective REPLACE leave nothing of the source but its bytes', async () => {
    await fixture.s3.send(new PutObjectCommand(source))
    const replace = {
      MetadataDirective: 'REPLACE',
      TaggingDirective: 'REPLACE',
      ContentType: 'application/x-nix-nar',
    }
    await fixture.s3.send(copy('replaced', replace))
    const got = await fixture.s3.send(new GetObjectCommand({ Bucket, Key: 'replaced' }))
    expect([got.ContentType, got.ContentEncoding, got.Metadata]).toEqual([
      'application/x-nix-nar',
      undefined,
      {},
    ])
    const { TagSet } = await fixture.s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'replaced' }))
    expect(TagSet).toEqual([])
    expect(await text('replaced')).toBe('bytes')
  })

  test('survive their source', async () => {
    await fixture.s3.send(new PutObjectCommand(source))
    await fixture.s3.send(copy('survivor'))
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'original', Body: 'other' }))
    expect(await text('survivor')).toBe('bytes')
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'survivor', Body: 'gone' }))
    expect(await text('survivor')).toBe('gone')
  })

  test('to itself, without changing anything, is illegal; with REPLACE it is not', async () => {
    await fixture.s3.send(new PutObjectCommand(source))
    expect(await outcome(fixture.s3.send(copy('original')))).toBe('400 InvalidRequest')
    const replace = { MetadataDirective: 'REPLACE', Metadata: { b: '2' } }
    expect(await outcome(fixture.s3.send(copy('original', replace)))).toBe('200')
    const { Metadata } = await fixture.s3.send(new HeadObjectCommand({ Bucket, Key: 'original' }))
    expect(Metadata).toEqual({ b: '2' })
  })

  test.each<[string, string, string]>([
    ['a key that is not there', `${Bucket}/nothing`, '404 NoSuchKey'],
    ['a bucket that is not there', 'nowhere/key', '404 NoSuchBucket'],
    ['no key', Bucket, '400 InvalidArgument'],
    ['a version', `${Bucket}/original?versionId=1`, '501 NotImplemented'],
  ])('from %s', async (_, CopySource, expected) => {
    const command = new CopyObjectCommand({ Bucket, Key: 'never', CopySource })
    expect(await outcome(fixture.s3.send(command))).toBe(expected)
  })
})

describe('tags', () => {
  test('are changed without touching the object', async () => {
    const { ETag } = await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'tagged', Body: 'x' }))
    const before = await fixture.s3.send(new HeadObjectCommand({ Bucket, Key: 'tagged' }))
    const TagSet = [{ Key: 'retire', Value: 'after 30 days & more' }]
    await fixture.s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging: { TagSet } }))
    expect((await fixture.s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }))).TagSet).toEqual(
      TagSet,
    )
    const after = await fixture.s3.send(new HeadObjectCommand({ Bucket, Key: 'tagged' }))
    expect([after.ETag, after.LastModified]).toEqual([ETag, before.LastModified])
  })

  test.each<[string, { Key: string; Value: string }[], string]>([
    [
      'two of one key',
      [
        { Key: 'a', Value: '1' },
        { Key: 'a', Value: '2' },
      ],
      '400 InvalidTag',
    ],
    ['an empty key', [{ Key: '', Value: '1' }], '400 InvalidTag'],
    ['eleven', Array.from({ length: 11 }, (_, index) => ({ Key: `k${index}`, Value: '' })), '400 BadRequest'],
  ])('%s are refused', async (_, TagSet, expected) => {
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'untagged', Body: 'x' }))
    const command = new PutObjectTaggingCommand({ Bucket, Key: 'untagged', Tagging: { TagSet } })
    expect(await outcome(fixture.s3.send(command))).toBe(expected)
  })
})

describe('what is not there', () => {
  test.each<[string, () => Promise<string>, string]>([
    [
      'a key, by GET',
      () => outcome(fixture.s3.send(new GetObjectCommand({ Bucket, Key: 'nothing' }))),
      '404 NoSuchKey',
    ],
    [
      'a key, by HEAD',
      () => outcome(fixture.s3.send(new HeadObjectCommand({ Bucket, Key: 'nothing' }))),
      '404 NotFound',
    ],
    [
      'the tags of a key',
      () => outcome(fixture.s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'nothing' }))),
      '404 NoSuchKey',
    ],
    [
      'a bucket, by GET',
      () => outcome(fixture.s3.send(new GetObjectCommand({ Bucket: 'nowhere', Key: 'x' }))),
      '404 NoSuchBucket',
    ],
    [
      'a bucket, by PUT',
      () => outcome(fixture.s3.send(new PutObjectCommand({ Bucket: 'nowhere', Key: 'x', Body: 'x' }))),
      '404 NoSuchBucket',
    ],
    [
      'a bucket, by listing',
      () => outcome(fixture.s3.send(new ListObjectsV2Command({ Bucket: 'nowhere' }))),
      '404 NoSuchBucket',
    ],
  ])('%s', async (_, request, expected) => {
    expect(await request()).toBe(expected)
  })
})

test('whoever asked hears of every object that was created, and of nothing else', async () => {
  created.length = 0
  await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'heard', Body: 'four' }))
  await fixture.s3.send(new CopyObjectCommand({ Bucket, Key: 'heard-copy', CopySource: `${Bucket}/heard` }))
  await outcome(fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'heard', Body: 'x', IfNoneMatch: '*' })))
  expect(created).toEqual([`PutObject ${Bucket}/heard 4`, `CopyObject ${Bucket}/heard-copy 4`])
})
