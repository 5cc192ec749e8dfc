import { HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { beforeAll, expect, test } from 'vitest'
import { headDirectly } from '../../../functions/shared/direct-heads.ts'
import { isMissing } from '../../../functions/shared/objects.ts'
import { breakingProxy } from './breaking-proxy.ts'
import { serverForThisFile } from './server-fixture.ts'

const running = serverForThisFile(['cache'], {
  roles: { NOBODY: { secretAccessKey: 'nobody-secret', policies: [] } },
})
const Bucket = 'cache'
const names = [
  'plain',
  '0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp.narinfo',
  'a/b (c)!*~_',
  "quotes'",
  'ünicode/λ',
  'per%20cent',
]

beforeAll(async () => {
  for (const Key of names) await running.s3.send(new PutObjectCommand({ Bucket, Key, Body: `of ${Key}` }))
})

/** A client, and how many requests the SDK has made for it. */
function client(more: Parameters<typeof running.server.client>[1] = {}): {
  s3: S3Client
  bySdk: () => number
} {
  const s3 = headDirectly(running.server.client(undefined, { cacheMiddleware: true, ...more }))
  let requests = 0
  s3.middlewareStack.add(
    (next) => async (args) => {
      requests++
      return next(args)
    },
    { step: 'deserialize', priority: 'low' },
  )
  return { s3, bySdk: () => requests }
}
const head = (s3: S3Client, Key: string) => s3.send(new HeadObjectCommand({ Bucket, Key }))

test('of many that are asked for at once the first shows the way, and all are found', async () => {
  const { s3, bySdk } = client()
  const found = await Promise.all(names.map(async (name) => head(s3, name)))
  expect(found.map(({ ContentLength }) => ContentLength)).toEqual(
    names.map((name) => Buffer.byteLength(`of ${name}`)),
  )
  expect(bySdk()).toBe(1)
  const [plain] = found
  const again = await head(running.s3, 'plain')
  expect(plain).toMatchObject({ ETag: again.ETag, LastModified: again.LastModified })
})

test('what is not there is missing, first and later', async () => {
  const { s3, bySdk } = client()
  for (let time = 0; time < 3; time++) {
    const error: unknown = await head(s3, 'nowhere').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'NotFound' })
    expect(isMissing(error)).toBe(true)
  }
  expect(bySdk()).toBe(1)
})

test('a caller who may not ask is refused: that is no answer', async () => {
  const { s3 } = client()
  await head(s3, 'plain')
  s3.config.credentials = async () => ({ accessKeyId: 'NOBODY', secretAccessKey: 'nobody-secret' })
  const error: unknown = await head(s3, 'plain').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ $metadata: { httpStatusCode: 403 } })
  expect(isMissing(error)).toBe(false)
})

test('a connection that breaks is the SDK’s to try again, also the first of all', async () => {
  const proxy = await breakingProxy(running.server.endpoint, (request) => request % 2 === 1)
  const { s3 } = client({ maxAttempts: 3, endpoint: proxy.endpoint })
  for (const name of ['plain', 'plain'])
    expect((await head(s3, name)).ContentLength).toBe(Buffer.byteLength(`of ${name}`))
  expect(proxy.requests()).toBe(4)
})

test('when the first never gets as far as a request, the others do without it', async () => {
  const { s3 } = client()
  const { credentials } = s3.config
  let isFirst = true
  s3.config.credentials = async (...args) => {
    if (!isFirst) return credentials(...args)
    isFirst = false
    throw new Error('no credentials')
  }
  const [first, second] = await Promise.allSettled([head(s3, 'plain'), head(s3, 'plain')])
  expect([first?.status, second?.status]).toEqual(['rejected', 'fulfilled'])
})

test('a request for more than that is the SDK’s', async () => {
  const { s3, bySdk } = client()
  await head(s3, 'plain')
  const asked = await s3.send(new HeadObjectCommand({ Bucket, Key: 'plain', ChecksumMode: 'ENABLED' }))
  expect(asked.ContentLength).toBe(Buffer.byteLength('of plain'))
  expect(bySdk()).toBe(2)
})
