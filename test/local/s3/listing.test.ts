import {
  CreateBucketCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type ListObjectsV2CommandInput,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { outcome } from './answers.ts'
import { serverForThisFile } from './server-fixture.ts'

const fixture = serverForThisFile(['many', 'few', 'empty'])

const KEYS = ['a.txt', 'b/1', 'b/2', 'b/c/3', 'b/c/4', 'b0', 'd/', 'd/5', 'e\u{ffff}', 'e\u{10000}', 'z']

beforeAll(async () => {
  for (const Key of KEYS) await fixture.s3.send(new PutObjectCommand({ Bucket: 'few', Key, Body: Key }))
})

/** Keys and common prefixes of all pages, and the number of pages. */
async function list(
  input: Partial<ListObjectsV2CommandInput> & { Bucket: string },
): Promise<{ keys: string[]; prefixes: string[]; pages: number }> {
  const all = { keys: [] as string[], prefixes: [] as string[], pages: 0 }
  let ContinuationToken: string | undefined
  do {
    const token = ContinuationToken === undefined ? {} : { ContinuationToken }
    const page = await fixture.s3.send(new ListObjectsV2Command({ ...input, ...token }))
    const keys = page.Contents?.map((object) => object.Key ?? '') ?? []
    const prefixes = page.CommonPrefixes?.map((one) => one.Prefix ?? '') ?? []
    expect(page.KeyCount).toBe(keys.length + prefixes.length)
    expect(page.KeyCount).toBeLessThanOrEqual(input.MaxKeys ?? 1000)
    all.keys.push(...keys)
    all.prefixes.push(...prefixes)
    all.pages += 1
    ContinuationToken = page.NextContinuationToken
    expect(page.IsTruncated).toBe(ContinuationToken !== undefined)
  } while (ContinuationToken !== undefined)
  return all
}

describe('a bucket with few keys', () => {
  test.each<[string, Partial<ListObjectsV2CommandInput>, string[], string[]]>([
    ['everything, in the order of bytes', {}, KEYS, []],
    ['a prefix', { Prefix: 'b/' }, ['b/1', 'b/2', 'b/c/3', 'b/c/4'], []],
    ['a prefix of nothing', { Prefix: 'x' }, [], []],
    ['behind a key', { StartAfter: 'b/c/3' }, KEYS.slice(4), []],
    ['behind a key that is not there', { StartAfter: 'b/c/33' }, KEYS.slice(4), []],
    ['a delimiter', { Delimiter: '/' }, ['a.txt', 'b0', 'e\u{ffff}', 'e\u{10000}', 'z'], ['b/', 'd/']],
    ['a prefix and a delimiter', { Prefix: 'b/', Delimiter: '/' }, ['b/1', 'b/2'], ['b/c/']],
    ['a folder and its own key', { Prefix: 'd/', Delimiter: '/' }, ['d/', 'd/5'], []],
    [
      'another delimiter',
      { Delimiter: 'c' },
      ['a.txt', 'b/1', 'b/2', 'b0', 'd/', 'd/5', 'e\u{ffff}', 'e\u{10000}', 'z'],
      ['b/c'],
    ],
    ['a prefix, behind a key', { Prefix: 'b/', StartAfter: 'b/2' }, ['b/c/3', 'b/c/4'], []],
  ])('%s', async (_, input, keys, prefixes) => {
    expect(await list({ ...input, Bucket: 'few' })).toEqual({ keys, prefixes, pages: 1 })
    // The same, one at a time.
    expect(await list({ ...input, Bucket: 'few', MaxKeys: 1 })).toMatchObject({ keys, prefixes })
  })

  test('what is said of an object', async () => {
    const { Contents } = await fixture.s3.send(new ListObjectsV2Command({ Bucket: 'few', Prefix: 'a.txt' }))
    expect(Contents).toEqual([
      {
        Key: 'a.txt',
        ETag:
          '"f5de9dfca27c3a0f8a5d6d3e4c4fb9b6"'.length > 0 ? expect.stringMatching(/^"[0-9a-f]{32}"$/) : '',
        Size: 5,
        LastModified: expect.any(Date),
        StorageClass: 'STANDARD',
      },
    ])
  })

  test('keys are percent-encoded when asked for', async () => {
    const { Contents, EncodingType } = await fixture.s3.send(
      new ListObjectsV2Command({ Bucket: 'few', Prefix: 'e', EncodingType: 'url' }),
    )
    expect(EncodingType).toBe('url')
    expect(Contents?.map((object) => object.Key)).toEqual(['e%EF%BF%BF', 'e%F0%90%80%80'])
  })

  test('MaxKeys 0 gives nothing, and no more', async () => {
    const page = await fixture.s3.send(new ListObjectsV2Command({ Bucket: 'few', MaxKeys: 0 }))
    expect(page).toMatchObject({ KeyCount: 0, IsTruncated: false })
  })

  test('a made-up continuation token', async () => {
    const command = new ListObjectsV2Command({ Bucket: 'few', ContinuationToken: 'made-up' })
    expect(await outcome(fixture.s3.send(command))).toBe('400 InvalidArgument')
  })
})

describe('a bucket with 3,000 keys', () => {
  const keys = Array.from(
    { length: 3000 },
    (_, index) => `nar/${String(index % 60).padStart(2, '0')}/${String(index).padStart(5, '0')}`,
  ).sort()

  beforeAll(async () => {
    for (let start = 0; start < keys.length; start += 50) {
      await Promise.all(
        keys
          .slice(start, start + 50)
          .map((Key) => fixture.s3.send(new PutObjectCommand({ Bucket: 'many', Key, Body: 'x' }))),
      )
    }
  })

  test('comes in three pages, each key once and in order', async () => {
    expect(await list({ Bucket: 'many' })).toEqual({ keys, prefixes: [], pages: 3 })
  })

  test('comes in pages of any size', async () => {
    expect(await list({ Bucket: 'many', MaxKeys: 333 })).toEqual({ keys, prefixes: [], pages: 10 })
  })

  test('rolls up into 60 prefixes, also over several pages', async () => {
    const prefixes = Array.from({ length: 60 }, (_, index) => `nar/${String(index).padStart(2, '0')}/`)
    const input = { Bucket: 'many', Prefix: 'nar/', Delimiter: '/' }
    expect(await list(input)).toEqual({ keys: [], prefixes, pages: 1 })
    expect(await list({ ...input, MaxKeys: 25 })).toEqual({ keys: [], prefixes, pages: 3 })
  })
})

describe('buckets', () => {
  test('are made, found and listed', async () => {
    expect(await outcome(fixture.s3.send(new HeadBucketCommand({ Bucket: 'made' })))).toBe('404 NotFound')
    await fixture.s3.send(new CreateBucketCommand({ Bucket: 'made' }))
    expect(await outcome(fixture.s3.send(new HeadBucketCommand({ Bucket: 'made' })))).toBe('200')
    const { Buckets } = await fixture.s3.send(new ListBucketsCommand({}))
    expect(Buckets?.map((bucket) => bucket.Name)).toEqual(['empty', 'few', 'made', 'many'])
  })

  test('an empty one has no keys', async () => {
    expect(await list({ Bucket: 'empty' })).toEqual({ keys: [], prefixes: [], pages: 1 })
  })

  test.each(['ab', 'Upper', 'under_score', '-dash', 'two..dots', '127.0.0.1', 'x'.repeat(64)])(
    '%s is no name for one',
    async (Bucket) => {
      const request = fixture.s3.send(new CreateBucketCommand({ Bucket }))
      await expect(request).rejects.toThrow(/not valid|InvalidBucketName|validate/i)
    },
  )
})
