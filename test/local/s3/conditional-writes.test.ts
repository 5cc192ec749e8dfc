import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { outcome } from './answers.ts'
import { serverForThisFile } from './server-fixture.ts'

const Bucket = 'cache'
const fixture = serverForThisFile([Bucket])

async function put(Key: string, Body: string): Promise<string> {
  const { ETag } = await fixture.s3.send(new PutObjectCommand({ Bucket, Key, Body }))
  return ETag ?? ''
}

async function text(Key: string): Promise<string | undefined> {
  const { Body } = await fixture.s3.send(new GetObjectCommand({ Bucket, Key }))
  return Body?.transformToString()
}

async function upload(
  Key: string,
  Body: string,
): Promise<{ UploadId: string; parts: { ETag: string; PartNumber: number }[] }> {
  const { UploadId = '' } = await fixture.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const { ETag = '' } = await fixture.s3.send(
    new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body }),
  )
  return { UploadId, parts: [{ ETag, PartNumber: 1 }] }
}

/** The three operations that make an object, each with the same conditions. */
const writers: [
  string,
  (key: string, conditions: { IfMatch?: string; IfNoneMatch?: string }) => Promise<string>,
][] = [
  [
    'PutObject',
    (Key, conditions) =>
      outcome(fixture.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'new', ...conditions }))),
  ],
  [
    'CopyObject',
    async (Key, conditions) => {
      await put('source-of-copies', 'new')
      return outcome(
        fixture.s3.send(
          new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/source-of-copies`, ...conditions }),
        ),
      )
    },
  ],
  [
    'CompleteMultipartUpload',
    async (Key, conditions) => {
      const { UploadId, parts } = await upload(Key, 'new')
      return outcome(
        fixture.s3.send(
          new CompleteMultipartUploadCommand({
            Bucket,
            Key,
            UploadId,
            ...conditions,
            MultipartUpload: { Parts: parts },
          }),
        ),
      )
    },
  ],
]

describe.each(writers)('%s', (name, write) => {
  const key = (label: string): string => `${name}/${label}`

  test('If-None-Match: * creates', async () => {
    expect(await write(key('new'), { IfNoneMatch: '*' })).toBe('200')
    expect(await text(key('new'))).toBe('new')
  })

  test('If-None-Match: * does not overwrite', async () => {
    await put(key('there'), 'old')
    expect(await write(key('there'), { IfNoneMatch: '*' })).toBe('412 PreconditionFailed')
    expect(await text(key('there'))).toBe('old')
  })

  test('If-Match overwrites the object it names', async () => {
    expect(await write(key('same'), { IfMatch: await put(key('same'), 'old') })).toBe('200')
    expect(await text(key('same'))).toBe('new')
  })

  test('If-Match does not overwrite another object', async () => {
    const etag = await put(key('other'), 'old')
    await put(key('other'), 'older')
    expect(await write(key('other'), { IfMatch: etag })).toBe('412 PreconditionFailed')
    expect(await text(key('other'))).toBe('older')
  })

  test('If-Match on a key without an object', async () => {
    expect(await write(key('gone'), { IfMatch: '"5d41402abc4b2a76b9719d911017c592"' })).toBe('404 NoSuchKey')
  })

  test('If-None-Match with an ETag is not implemented, in S3 neither', async () => {
    expect(await write(key('etag'), { IfNoneMatch: '"5d41402abc4b2a76b9719d911017c592"' })).toBe(
      '501 NotImplemented',
    )
  })

  test('of 20 racing creates one wins, and its bytes are there', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => write(key('race'), { IfNoneMatch: '*' })),
    )
    expect(outcomes.toSorted()).toEqual([
      '200',
      ...Array.from({ length: 19 }, () => '412 PreconditionFailed'),
    ])
    expect(await text(key('race'))).toBe('new')
  })

  test('of 20 racing replacements of the same object one wins', async () => {
    const IfMatch = await put(key('swap'), 'old')
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => write(key('swap'), { IfMatch })))
    expect(outcomes.filter((one) => one === '200')).toHaveLength(1)
  })
})

test('20 racing creates with different bodies: what is read is what the winner sent', async () => {
  const results = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const Body = `body ${index} `.repeat(10_000)
      const result = await outcome(
        fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'race', Body, IfNoneMatch: '*' })),
      )
      return { Body, result }
    }),
  )
  const winners = results.filter(({ result }) => result === '200')
  expect(winners).toHaveLength(1)
  expect(await text('race')).toBe(winners[0]?.Body)
})

test('a multipart upload whose condition failed can still be completed', async () => {
  await put('retry', 'old')
  const { UploadId, parts } = await upload('retry', 'new')
  const complete = new CompleteMultipartUploadCommand({
    Bucket,
    Key: 'retry',
    UploadId,
    IfNoneMatch: '*',
    MultipartUpload: { Parts: parts },
  })
  expect(await outcome(fixture.s3.send(complete))).toBe('412 PreconditionFailed')
  await fixture.s3.send(new DeleteObjectCommand({ Bucket, Key: 'retry' }))
  expect(await outcome(fixture.s3.send(complete))).toBe('200')
})

describe('the source of a copy', () => {
  test.each<[string, (etag: string) => object, string]>([
    ['CopySourceIfMatch, the same', (etag) => ({ CopySourceIfMatch: etag }), '200'],
    ['CopySourceIfMatch, another', () => ({ CopySourceIfMatch: '"x"' }), '412 PreconditionFailed'],
    [
      'CopySourceIfNoneMatch, the same',
      (etag) => ({ CopySourceIfNoneMatch: etag }),
      '412 PreconditionFailed',
    ],
    ['CopySourceIfNoneMatch, another', () => ({ CopySourceIfNoneMatch: '"x"' }), '200'],
    [
      'CopySourceIfModifiedSince, later',
      () => ({ CopySourceIfModifiedSince: new Date(Date.now() + 60_000) }),
      '412 PreconditionFailed',
    ],
    [
      'CopySourceIfUnmodifiedSince, earlier',
      () => ({ CopySourceIfUnmodifiedSince: new Date(0) }),
      '412 PreconditionFailed',
    ],
  ])('%s', async (label, conditions, expected) => {
    const etag = await put('source', 'bytes')
    const copy = new CopyObjectCommand({
      Bucket,
      Key: `copy/${label}`,
      CopySource: `${Bucket}/source`,
      ...conditions(etag),
    })
    expect(await outcome(fixture.s3.send(copy))).toBe(expected)
  })
})

const remove = (Key: string, IfMatch?: string): Promise<string> =>
  outcome(
    fixture.s3.send(new DeleteObjectCommand({ Bucket, Key, ...(IfMatch === undefined ? {} : { IfMatch }) })),
  )

describe('deletes', () => {
  test('without a condition, whether the key is there or not', async () => {
    await put('delete/plain', 'x')
    expect(await remove('delete/plain')).toBe('204')
    expect(await remove('delete/plain')).toBe('204')
    expect(await outcome(fixture.s3.send(new HeadObjectCommand({ Bucket, Key: 'delete/plain' })))).toBe(
      '404 NotFound',
    )
  })

  test('If-Match deletes only the object it names', async () => {
    const old = await put('delete/match', 'old')
    const current = await put('delete/match', 'current')
    expect(await remove('delete/match', old)).toBe('412 PreconditionFailed')
    expect(await text('delete/match')).toBe('current')
    expect(await remove('delete/match', current)).toBe('204')
    expect(await remove('delete/match', current)).toBe('404 NoSuchKey')
  })

  test('If-Match: * asks that the object is there', async () => {
    await put('delete/star', 'x')
    expect(await remove('delete/star', '*')).toBe('204')
    expect(await remove('delete/star', '*')).toBe('404 NoSuchKey')
  })

  test('DeleteObjects answers for each key by itself', async () => {
    const ETag = await put('many/1', 'x')
    await put('many/2', 'x')
    const answer = await fixture.s3.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: {
          Objects: [{ Key: 'many/1', ETag }, { Key: 'many/2', ETag: '"another"' }, { Key: 'many/gone' }],
        },
      }),
    )
    expect(answer.Deleted).toEqual([{ Key: 'many/1' }, { Key: 'many/gone' }])
    expect(answer.Errors).toEqual([expect.objectContaining({ Key: 'many/2', Code: 'PreconditionFailed' })])
    expect(await text('many/2')).toBe('x')
  })

  test('DeleteObjects, quiet, names only what failed', async () => {
    await put('quiet/1', 'x')
    const answer = await fixture.s3.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: { Quiet: true, Objects: [{ Key: 'quiet/1' }, { Key: 'quiet/2', ETag: '"x"' }] },
      }),
    )
    expect(answer.Deleted).toBeUndefined()
    expect(answer.Errors).toEqual([expect.objectContaining({ Key: 'quiet/2', Code: 'NoSuchKey' })])
  })

  test.each([0, 1001])('DeleteObjects with %i keys is malformed', async (count) => {
    const Objects = Array.from({ length: count }, (_, index) => ({ Key: `k${index}` }))
    expect(await outcome(fixture.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } })))).toBe(
      '400 MalformedXML',
    )
  })
})
