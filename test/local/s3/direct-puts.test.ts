import { createHash } from 'node:crypto'
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { putDirectly } from '../../../functions/shared/direct-puts.ts'
import { breakingProxy } from './breaking-proxy.ts'
import { serverForThisFile } from './server-fixture.ts'

const running = serverForThisFile(['cache'], {
  roles: {
    READER: {
      secretAccessKey: 'reader-secret',
      policies: [
        { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] },
      ],
    },
  },
})
const Bucket = 'cache'

/** A client that has sent its first PutObject, and how many requests the SDK has made for it since then. */
async function client(more: Parameters<typeof running.server.client>[1] = {}): Promise<{
  s3: S3Client
  bySdk: () => number
}> {
  const s3 = putDirectly(running.server.client(undefined, { cacheMiddleware: true, ...more }))
  let requests = 0
  s3.middlewareStack.add(
    (next) => async (args) => {
      requests++
      return next(args)
    },
    { step: 'deserialize', priority: 'low' },
  )
  await s3.send(new PutObjectCommand({ Bucket, Key: 'first', Body: 'x' }))
  requests = 0
  return { s3, bySdk: () => requests }
}

const names = [
  'plain',
  'a/b.narinfo',
  'nar/0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73.nar.zst',
  'log/g++-1.0?x=y&z.drv',
  'spaces and (parentheses)!*',
  "quotes'and~tildes_",
  'ünicode/λ',
  'per%20cent',
]
test.each(names)('what is put at %s is got', async (Key) => {
  const { s3, bySdk } = await client()
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(`of ${Key}`) }))
  expect(bySdk()).toBe(0)
  const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
  expect(await got.Body?.transformToString()).toBe(`of ${Key}`)
  expect(got.ETag).toBe(ETag)
})

test('an object has everything that it was put with', async () => {
  const { s3, bySdk } = await client()
  const put: PutObjectCommandInput = {
    Bucket,
    Key: 'described',
    Body: 'text',
    ContentType: 'text/plain; charset=utf-8',
    ContentEncoding: 'br',
    ChecksumSHA256: createHash('sha256').update('text').digest('base64'),
  }
  await s3.send(new PutObjectCommand(put))
  expect(bySdk()).toBe(0)
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'described', ChecksumMode: 'ENABLED' }))
  expect(head).toMatchObject({
    ContentType: put.ContentType,
    ContentEncoding: 'br',
    ContentLength: 4,
    ChecksumSHA256: put.ChecksumSHA256,
  })
})

test('an empty body is a body', async () => {
  const { s3 } = await client()
  await s3.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }))
  expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'empty' }))).ContentLength).toBe(0)
})

test('a write that must be the first fails when it is not, and nothing is overwritten', async () => {
  const { s3 } = await client()
  const put = (Body: string) => s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body, IfNoneMatch: '*' }))
  const { ETag = '' } = await put('first')
  await expect(put('second')).rejects.toMatchObject({
    name: 'PreconditionFailed',
    $metadata: { httpStatusCode: 412 },
  })
  const replace = (IfMatch: string) =>
    s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body: 'third', IfMatch }))
  await expect(replace('"0"')).rejects.toMatchObject({ name: 'PreconditionFailed' })
  await replace(ETag)
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'once' }))
  expect(await got.Body?.transformToString()).toBe('third')
})

test('bytes that have not the checksum are refused', async () => {
  const { s3 } = await client()
  const put = new PutObjectCommand({ Bucket, Key: 'wrong', Body: 'x', ChecksumSHA256: 'A'.repeat(43) + '=' })
  await expect(s3.send(put)).rejects.toMatchObject({ name: 'BadDigest' })
})

test('a caller who may not write is told so, by the SDK’s own error', async () => {
  const { s3 } = await client()
  // the bucket's endpoint is known, the credentials are another's
  s3.config.credentials = async () => ({ accessKeyId: 'READER', secretAccessKey: 'reader-secret' })
  await expect(s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }))).rejects.toMatchObject({
    name: 'AccessDenied',
    $metadata: { httpStatusCode: 403 },
  })
})

test('a connection that breaks is the SDK’s to try again', async () => {
  // the first is the SDK's; then the direct one, and what the SDK makes of it
  const proxy = await breakingProxy(running.server.endpoint, (request) => request === 2 || request === 3)
  const { s3, bySdk } = await client({ maxAttempts: 3, endpoint: proxy.endpoint })
  await s3.send(new PutObjectCommand({ Bucket, Key: 'retried', Body: 'x' }))
  expect([proxy.requests(), bySdk()]).toEqual([4, 2])
  expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'retried' }))).ContentLength).toBe(1)
})

test.each<[string, Partial<PutObjectCommandInput>]>([
  ['tags', { Tagging: 'a=b' }],
  ['metadata', { Metadata: { a: 'b' } }],
  ['a caching rule', { CacheControl: 'max-age=1' }],
  ['another checksum', { ChecksumAlgorithm: 'CRC32C' }],
])('a request with %s is the SDK’s', async (_, more) => {
  const { s3, bySdk } = await client()
  await s3.send(new PutObjectCommand({ Bucket, Key: 'more', Body: 'x', ...more }))
  expect(bySdk()).toBe(1)
})
