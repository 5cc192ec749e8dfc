import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SmallBodies } from '../../../local/s3/small-bodies.ts'
import { outcome, pseudoRandomBytes } from './answers.ts'
import { clientOf, OPERATOR, startSignedServer, type SignedServer } from './signed-server.ts'
import { temporaryFolder } from './temporary-folder.ts'

const Bucket = 'cache'

async function start(folder: string): Promise<{ server: SignedServer; s3: S3Client }> {
  const server = await startSignedServer({ folder })
  server.createBucket(Bucket)
  return { server, s3: server.client() }
}

/** Large bodies: those that are files. */
function bodies(folder: string): number {
  return readdirSync(join(folder, 'bodies'), { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.name.startsWith('small.sqlite'),
  ).length
}

/** Small bodies, of a server that is closed. */
function smallBodies(folder: string): number {
  const small = new SmallBodies(join(folder, 'bodies'))
  try {
    return small.numbers().length
  } finally {
    small.close()
  }
}

test('everything is there after a restart', async () => {
  const folder = temporaryFolder()
  const before = await start(folder)
  const Body = pseudoRandomBytes(100_000)
  await before.s3.send(
    new PutObjectCommand({ Bucket, Key: 'a', Body, ContentType: 'text/plain', Metadata: { x: 'y' } }),
  )
  const TagSet = [{ Key: 'k', Value: 'v' }]
  await before.s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'a', Tagging: { TagSet } }))
  await before.s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/a` }))
  const { UploadId } = await before.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'm' }))
  const { ETag } = await before.s3.send(
    new UploadPartCommand({ Bucket, Key: 'm', UploadId, PartNumber: 1, Body: 'part' }),
  )
  const old = await before.s3.send(new GetObjectCommand({ Bucket, Key: 'a' }))
  await old.Body?.transformToByteArray()
  await before.server.close()

  const { server, s3 } = await start(folder)
  onTestFinished(() => server.close())
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a' }))
  expect(got).toMatchObject({
    ContentType: 'text/plain',
    Metadata: { x: 'y' },
    ETag: old.ETag,
    LastModified: old.LastModified,
  })
  expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true)
  expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'copy' }))).TagSet).toEqual(TagSet)
  const complete = new CompleteMultipartUploadCommand({
    Bucket,
    Key: 'm',
    UploadId,
    MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] },
  })
  expect(await outcome(s3.send(complete))).toBe('200')
})

test('a second server on the same folder is refused', async () => {
  const folder = temporaryFolder()
  const { server } = await start(folder)
  onTestFinished(() => server.close())
  await expect(startSignedServer({ folder })).rejects.toThrow('another local stack may be using the folder')
})

// 20,000 bytes and more are files; what is smaller is rows of one.
const large = (text: string): string => text.repeat(20_000)

test('no body is left behind by what was replaced, refused, aborted or deleted', async () => {
  const folder = temporaryFolder()
  const { server, s3 } = await start(folder)
  onTestFinished(() => server.close())
  const put = (more: object = {}): Promise<string> =>
    outcome(s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: large('x'), ...more })))
  await put()
  await put()
  expect(await put({ IfNoneMatch: '*' })).toBe('412 PreconditionFailed')
  expect(await put({ ChecksumCRC32: 'AAAAAA==' })).toBe('400 BadDigest')
  expect(bodies(folder)).toBe(1)
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }))
  const { ETag } = await s3.send(
    new UploadPartCommand({ Bucket, Key: 'a', UploadId, PartNumber: 1, Body: large('p') }),
  )
  await s3.send(new UploadPartCommand({ Bucket, Key: 'a', UploadId, PartNumber: 2, Body: large('dropped') }))
  expect(bodies(folder)).toBe(3)
  await s3.send(
    new CompleteMultipartUploadCommand({
      Bucket,
      Key: 'a',
      UploadId,
      MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] },
    }),
  )
  expect(bodies(folder)).toBe(1)
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a` }))
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource: `${Bucket}/b` }))
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'b' }))
  // The copy of a multipart object was read once; the copy of that shares its body.
  expect(bodies(folder)).toBe(2)
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }))
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'c' }))
  expect(bodies(folder)).toBe(0)
})

test('nor is a small one', async () => {
  const folder = temporaryFolder()
  const { server, s3 } = await start(folder)
  const put = (more: object = {}): Promise<string> =>
    outcome(s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x', ...more })))
  await put()
  await put()
  expect(await put({ IfNoneMatch: '*' })).toBe('412 PreconditionFailed')
  expect(await put({ ChecksumCRC32: 'AAAAAA==' })).toBe('400 BadDigest')
  await s3.send(new PutObjectCommand({ Bucket, Key: 'b', Body: 'y' }))
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource: `${Bucket}/b` }))
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'b' }))
  await server.close()
  // one for `a`, and one that `c` has from `b`
  expect(smallBodies(folder)).toBe(2)
  const again = await start(folder)
  const got = await again.s3.send(new GetObjectCommand({ Bucket, Key: 'c', Range: 'bytes=0-0' }))
  expect(await got.Body?.transformToString()).toBe('y')
  for (const Key of ['a', 'c']) await again.s3.send(new DeleteObjectCommand({ Bucket, Key }))
  await again.server.close()
  expect(smallBodies(folder)).toBe(0)
})

test('a client that hangs up leaves nothing, and the server goes on', async () => {
  const folder = temporaryFolder()
  const { server, s3 } = await start(folder)
  onTestFinished(() => server.close())
  const abort = new AbortController()
  const sending = s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: pseudoRandomBytes(50_000_000) }), {
    abortSignal: abort.signal,
  })
  setTimeout(() => abort.abort(), 20)
  await expect(sending).rejects.toThrow()
  await expect.poll(() => bodies(folder), { timeout: 10_000 }).toBe(0)
  expect(await outcome(s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' })))).toBe('200')
})

test('an object that is being read can be replaced and deleted', async () => {
  const { server, s3 } = await start(temporaryFolder())
  onTestFinished(() => server.close())
  const Body = pseudoRandomBytes(20_000_000)
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body }))
  const reading = await s3.send(new GetObjectCommand({ Bucket, Key: 'a' }))
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'other' }))
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }))
  expect(Buffer.from((await reading.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true)
})

async function startProcess(folder: string): Promise<{ child: ChildProcess; s3: S3Client }> {
  const script = join(import.meta.dirname, 'serve.ts')
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [endpoint] = await once(createInterface({ input: child.stdout }), 'line')
  const s3 = clientOf(String(endpoint), OPERATOR)
  onTestFinished(() => s3.destroy())
  return { child, s3 }
}

/** What round `round` writes to a key: another body, of the same size, in every round. */
function bodyOf(key: string, round: number): Buffer {
  const number = Number(key.slice(1))
  return pseudoRandomBytes(number % 3 === 0 ? 500 : key.length * 20_000, 1 + round * 1000 + number)
}

describe('kill -9', () => {
  test('in the middle of writes: what was answered is there, whole; what was not is whole or absent', async () => {
    const folder = temporaryFolder()
    const answered = new Map<string, number>()
    const tried = new Set<string>()

    for (let round = 0; round < 3; round++) {
      const { child, s3 } = await startProcess(folder)
      const died = once(child, 'exit')
      let answers = 0
      const write = async (writer: number): Promise<void> => {
        for (let step = 0; ; step++) {
          // Writers share keys in every other step, so that objects are replaced while they are being written.
          const key = `k${step % 2 === 0 ? step : step * 10 + writer}`
          tried.add(key)
          await s3.send(new PutObjectCommand({ Bucket, Key: key, Body: bodyOf(key, round) }))
          answered.set(key, round)
          answers += 1
          // The other five are in the middle of theirs.
          if (answers === 30 + round * 7) child.kill('SIGKILL')
        }
      }
      const writers = Array.from({ length: 6 }, (_, writer) => write(writer).catch(() => 'the server died'))
      await Promise.all([died, ...writers])
    }

    const { s3 } = await startProcess(folder)
    for (const key of tried) {
      const versions = [0, 1, 2].map((round) => bodyOf(key, round))
      const got = await s3
        .send(new GetObjectCommand({ Bucket, Key: key }))
        .catch((error: Error) => error.name)
      if (typeof got === 'string') {
        expect([key, got, answered.has(key)]).toEqual([key, 'NoSuchKey', false])
        continue
      }
      const bytes = Buffer.from((await got.Body?.transformToByteArray()) ?? [])
      const found = versions.findIndex((version) => version.equals(bytes))
      expect([key, found]).toEqual([
        key,
        expect.toSatisfy((index: number) => index >= (answered.get(key) ?? 0)),
      ])
    }
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }))
    // Half-written bodies were swept away at the start.
    expect(bodies(folder)).toBe(Contents.filter(({ Size = 0 }) => Size > 500).length)
  })

  test('in the middle of a multipart upload: its parts are still there', async () => {
    const folder = temporaryFolder()
    const first = await startProcess(folder)
    const { UploadId } = await first.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'm' }))
    const Body = pseudoRandomBytes(5 * 1024 * 1024)
    const { ETag } = await first.s3.send(
      new UploadPartCommand({ Bucket, Key: 'm', UploadId, PartNumber: 1, Body }),
    )
    const died = once(first.child, 'exit')
    first.child.kill('SIGKILL')
    await died

    const { s3 } = await startProcess(folder)
    const { Parts } = await s3.send(new ListPartsCommand({ Bucket, Key: 'm', UploadId }))
    expect(Parts?.map((part) => part.ETag)).toEqual([ETag])
    await s3.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key: 'm',
        UploadId,
        MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] },
      }),
    )
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'm' }))
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true)
  })
})
