import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  CreateMultipartUploadCommand,
  type ChecksumAlgorithm,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { outcome, pseudoRandomBytes } from './answers.ts'
import { chunkSignerOf, CHUNK, encodeChunks } from './signed-chunks.ts'
import { serverForThisFile } from './server-fixture.ts'
import { OPERATOR } from './signed-server.ts'

const Bucket = 'cache'
const fixture = serverForThisFile([Bucket])

interface Sent {
  headers: Record<string, string>
  body: unknown
}

/** A client whose requests are changed after they were signed, as somebody in between would. */
function tampering(change: (request: Sent) => void): S3Client {
  const client = fixture.server.client()
  client.middlewareStack.add(
    (next) => (args) => {
      change(args.request as Sent)
      return next(args)
    },
    { step: 'deserialize', name: 'tamper' },
  )
  return client
}

async function isThere(Key: string): Promise<boolean> {
  return (await outcome(fixture.s3.send(new HeadObjectCommand({ Bucket, Key })))) === '200'
}

describe('every checksum is verified and given back', () => {
  test.each<ChecksumAlgorithm>(['CRC32', 'CRC32C', 'SHA1', 'SHA256', 'CRC64NVME'])(
    '%s',
    async (ChecksumAlgorithm) => {
      const bytes = pseudoRandomBytes(200_000)
      for (const Body of [bytes, Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)])]) {
        const input = { Bucket, Key: ChecksumAlgorithm, Body, ContentLength: bytes.length, ChecksumAlgorithm }
        const put = await fixture.s3.send(new PutObjectCommand(input))
        const got = await fixture.s3.send(
          new GetObjectCommand({ Bucket, Key: ChecksumAlgorithm, ChecksumMode: 'ENABLED' }),
        )
        const value = got[`Checksum${ChecksumAlgorithm}` as 'ChecksumCRC32']
        expect(value).toBe(put[`Checksum${ChecksumAlgorithm}` as 'ChecksumCRC32'])
        expect(value).toMatch(/=$/)
        // The SDK itself compares what it reads with the checksum.
        expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true)
      }
    },
  )
})

describe('a wrong checksum is refused, and nothing is stored', () => {
  const wrong = { crc32: 'AAAAAA==', sha256: createHash('sha256').update('other').digest('base64') }
  test.each<[string, object, string]>([
    ['CRC32', { ChecksumCRC32: wrong.crc32 }, '400 BadDigest'],
    ['CRC32C', { ChecksumCRC32C: wrong.crc32 }, '400 BadDigest'],
    ['SHA1', { ChecksumSHA1: createHash('sha1').update('other').digest('base64') }, '400 BadDigest'],
    ['SHA256', { ChecksumSHA256: wrong.sha256 }, '400 BadDigest'],
    ['CRC64NVME', { ChecksumCRC64NVME: 'AAAAAAAAAAA=' }, '400 BadDigest'],
    ['Content-MD5', { ContentMD5: createHash('md5').update('other').digest('base64') }, '400 BadDigest'],
    ['a Content-MD5 that is none', { ContentMD5: 'nonsense' }, '400 InvalidDigest'],
    ['a CRC32 of the wrong length', { ChecksumCRC32: 'AAAA' }, '400 InvalidRequest'],
  ])('%s', async (label, checksum, expected) => {
    const Key = `wrong/${label}`
    const put = new PutObjectCommand({ Bucket, Key, Body: 'the real bytes', ...checksum })
    expect(await outcome(fixture.s3.send(put))).toBe(expected)
    expect(await isThere(Key)).toBe(false)
  })

  test('of a part', async () => {
    const { UploadId } = await fixture.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'part' }))
    const part = new UploadPartCommand({
      Bucket,
      Key: 'part',
      UploadId,
      PartNumber: 1,
      Body: 'x',
      ChecksumCRC32: wrong.crc32,
    })
    expect(await outcome(fixture.s3.send(part))).toBe('400 BadDigest')
  })

  test('in the trailer of a stream', async () => {
    const client = tampering((request) => {
      const original = request.body as Readable
      request.body = Readable.from(
        (async function* () {
          for await (const chunk of original) {
            yield Buffer.from(
              Buffer.from(chunk as Buffer)
                .toString('latin1')
                .replace('x-amz-checksum-crc32:', 'x-amz-checksum-crc32:AAAA'),
              'latin1',
            )
          }
        })(),
      )
      delete request.headers['content-length']
      request.headers['transfer-encoding'] = 'chunked'
    })
    const Body = Readable.from([Buffer.from('some'), Buffer.from('bytes')])
    const put = new PutObjectCommand({ Bucket, Key: 'trailer', Body, ContentLength: 9 })
    expect(await outcome(client.send(put))).toMatch(/^400 (InvalidRequest|BadDigest)$/)
    expect(await isThere('trailer')).toBe(false)
  })
})

describe('a body that was changed on its way is refused', () => {
  test('when its SHA-256 was signed', async () => {
    const client = tampering((request) => {
      request.body = 'b'.repeat(10)
    })
    const put = new PutObjectCommand({ Bucket, Key: 'changed', Body: 'a'.repeat(10) })
    expect(await outcome(client.send(put))).toMatch(/^400 (XAmzContentSHA256Mismatch|BadDigest)$/)
    expect(await isThere('changed')).toBe(false)
  })

  test('when it is shorter than announced', async () => {
    const client = tampering((request) => {
      request.headers['x-amz-decoded-content-length'] = '5'
    })
    const Body = Readable.from([Buffer.from('nine bytes'.slice(0, 9))])
    const put = new PutObjectCommand({ Bucket, Key: 'short', Body, ContentLength: 9 })
    // The length is among the signed headers.
    expect(await outcome(client.send(put))).toBe('403 SignatureDoesNotMatch')
    expect(await isThere('short')).toBe(false)
  })

  test('the keys of DeleteObjects', async () => {
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'precious', Body: 'x' }))
    const client = tampering((request) => {
      request.body = String(request.body).replace('worthles', 'precious')
    })
    const remove = new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'worthles' }] } })
    expect(await outcome(client.send(remove))).toMatch(/^400 (XAmzContentSHA256Mismatch|BadDigest)$/)
    expect(await isThere('precious')).toBe(true)
  })
})

/** A client that sends its body in chunks, each signed, and `alter`ed afterwards. */
function chunking(body: Buffer, alter: (encoded: Buffer) => Buffer): S3Client {
  const client = fixture.server.client(OPERATOR.accessKeyId, {
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as Sent
      headers['x-amz-content-sha256'] = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
      headers['x-amz-decoded-content-length'] = String(body.length)
      headers['content-length'] = String(encodeChunks(body, () => '0'.repeat(64)).length)
      headers['content-encoding'] = 'aws-chunked,zstd'
      return next(args)
    },
    { step: 'build', name: 'announceChunks', priority: 'low' },
  )
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as Sent
      request.body = alter(encodeChunks(body, chunkSignerOf(request.headers)))
      return next(args)
    },
    { step: 'deserialize', name: 'signChunks' },
  )
  return client
}

describe('signed chunks (STREAMING-AWS4-HMAC-SHA256-PAYLOAD)', () => {
  test.each([10, CHUNK, 3 * CHUNK + 17])('%i bytes', async (size) => {
    const body = pseudoRandomBytes(size)
    const Key = `chunked/${size}`
    expect(
      await outcome(
        chunking(body, (encoded) => encoded).send(new PutObjectCommand({ Bucket, Key, Body: body })),
      ),
    ).toBe('200')
    const got = await fixture.s3.send(new GetObjectCommand({ Bucket, Key }))
    expect(got.ContentEncoding).toBe('zstd')
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true)
  })

  test('one byte of one chunk was changed', async () => {
    const body = pseudoRandomBytes(3 * CHUNK)
    const client = chunking(body, (encoded) => {
      encoded.writeUInt8(encoded.readUInt8(2 * CHUNK) ^ 1, 2 * CHUNK)
      return encoded
    })
    expect(await outcome(client.send(new PutObjectCommand({ Bucket, Key: 'altered', Body: body })))).toBe(
      '403 SignatureDoesNotMatch',
    )
    expect(await isThere('altered')).toBe(false)
  })
})
