import { createHash } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { outcome, pseudoRandomBytes } from './answers.ts'
import { serverForThisFile } from './server-fixture.ts'

const Bucket = 'staging'
const MIB = 1024 * 1024
const fixture = serverForThisFile([Bucket])

async function begin(Key: string, more: object = {}): Promise<string> {
  const { UploadId = '' } = await fixture.s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))
  return UploadId
}

async function part(
  Key: string,
  UploadId: string,
  PartNumber: number,
  Body: Buffer | string,
  more: object = {},
): Promise<CompletedPart> {
  const input = { Bucket, Key, UploadId, PartNumber, Body, ...more }
  const { ETag, ChecksumSHA256 } = await fixture.s3.send(new UploadPartCommand(input))
  return { ETag, PartNumber, ...(ChecksumSHA256 === undefined ? {} : { ChecksumSHA256 }) }
}

function complete(
  Key: string,
  UploadId: string,
  Parts: CompletedPart[],
  more: object = {},
): CompleteMultipartUploadCommand {
  return new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more })
}

async function bytes(Key: string): Promise<Buffer> {
  const { Body } = await fixture.s3.send(new GetObjectCommand({ Bucket, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

function md5(data: Buffer): Buffer {
  return createHash('md5').update(data).digest()
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}

const first = pseudoRandomBytes(5 * MIB, 1)
const second = pseudoRandomBytes(6 * MIB, 2)
const last = pseudoRandomBytes(1000, 3)

test('three parts, uploaded in any order, make one object with the ETag that S3 gives it', async () => {
  const Key = 'three'
  const UploadId = await begin(Key, { ContentType: 'application/x-nix-nar', Metadata: { a: '1' } })
  const parts = await Promise.all([
    part(Key, UploadId, 7, last),
    part(Key, UploadId, 1, first),
    part(Key, UploadId, 2, second),
  ])
  const sorted = parts.toSorted((one, other) => (one.PartNumber ?? 0) - (other.PartNumber ?? 0))
  expect(await outcome(fixture.s3.send(new HeadObjectCommand({ Bucket, Key })))).toBe('404 NotFound')
  const { ETag } = await fixture.s3.send(complete(Key, UploadId, sorted))
  const expected = md5(Buffer.concat([md5(first), md5(second), md5(last)])).toString('hex')
  expect(ETag).toBe(`"${expected}-3"`)
  expect((await bytes(Key)).equals(Buffer.concat([first, second, last]))).toBe(true)
  expect(await fixture.s3.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({
    ETag,
    ContentType: 'application/x-nix-nar',
    Metadata: { a: '1' },
  })
  expect(await outcome(fixture.s3.send(complete(Key, UploadId, sorted)))).toBe('404 NoSuchUpload')
})

test('a copy of it is one part: it has the plain MD5', async () => {
  const Key = 'copied-from'
  const UploadId = await begin(Key)
  await fixture.s3.send(
    complete(Key, UploadId, [await part(Key, UploadId, 1, first), await part(Key, UploadId, 2, last)]),
  )
  const { CopyObjectResult } = await fixture.s3.send(
    new CopyObjectCommand({ Bucket, Key: 'copied-to', CopySource: `${Bucket}/${Key}` }),
  )
  expect(CopyObjectResult?.ETag).toBe(`"${md5(Buffer.concat([first, last])).toString('hex')}"`)
  expect((await bytes('copied-to')).equals(Buffer.concat([first, last]))).toBe(true)
})

test('parts are copied from objects, whole and by range', async () => {
  const whole = Buffer.concat([first, second])
  await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: whole }))
  const Key = 'from-copies'
  const UploadId = await begin(Key)
  const copy = async (PartNumber: number, CopySourceRange?: string): Promise<CompletedPart> => {
    const range = CopySourceRange === undefined ? {} : { CopySourceRange }
    const { CopyPartResult } = await fixture.s3.send(
      new UploadPartCopyCommand({
        Bucket,
        Key,
        UploadId,
        PartNumber,
        CopySource: `${Bucket}/source`,
        ...range,
      }),
    )
    return { ETag: CopyPartResult?.ETag, PartNumber }
  }
  await fixture.s3.send(complete(Key, UploadId, [await copy(1), await copy(2, 'bytes=100-199')]))
  expect((await bytes(Key)).equals(Buffer.concat([whole, whole.subarray(100, 200)]))).toBe(true)
  const beyond = new UploadPartCopyCommand({
    Bucket,
    Key: 'beyond',
    UploadId: await begin('beyond'),
    PartNumber: 1,
    CopySource: `${Bucket}/source`,
    CopySourceRange: `bytes=0-${whole.length}`,
  })
  expect(await outcome(fixture.s3.send(beyond))).toBe('416 InvalidRange')
})

test('a part that is uploaded again replaces the first one, and parts that are not listed are dropped', async () => {
  const Key = 'again'
  const UploadId = await begin(Key)
  const replaced = await part(Key, UploadId, 1, 'first try')
  const kept = await part(Key, UploadId, 1, 'second try')
  await part(Key, UploadId, 2, 'never listed')
  expect(await outcome(fixture.s3.send(complete(Key, UploadId, [replaced])))).toBe('400 InvalidPart')
  expect(await outcome(fixture.s3.send(complete(Key, UploadId, [kept])))).toBe('200')
  expect((await bytes(Key)).toString()).toBe('second try')
})

test('checksums of the parts make a composite one', async () => {
  const Key = 'composite'
  const UploadId = await begin(Key, { ChecksumAlgorithm: 'SHA256' })
  const more = { ChecksumAlgorithm: 'SHA256' }
  const parts = [await part(Key, UploadId, 1, first, more), await part(Key, UploadId, 2, last, more)]
  expect(parts.map((one) => one.ChecksumSHA256)).toEqual(
    [first, last].map((data) => sha256(data).toString('base64')),
  )
  const expected = `${sha256(Buffer.concat([sha256(first), sha256(last)])).toString('base64')}-2`
  const result = await fixture.s3.send(complete(Key, UploadId, parts))
  expect(result).toMatchObject({ ChecksumSHA256: expected, ChecksumType: 'COMPOSITE' })
  const wrong = await begin(Key, { ChecksumAlgorithm: 'SHA256' })
  const crc = fixture.s3.send(
    new UploadPartCommand({
      Bucket,
      Key,
      UploadId: wrong,
      PartNumber: 1,
      Body: 'x',
      ChecksumAlgorithm: 'CRC32',
    }),
  )
  expect(await outcome(crc)).toBe('400 InvalidRequest')
})

describe('completion is refused', () => {
  test.each<[string, (Key: string, UploadId: string) => Promise<CompletedPart[]>, object, string]>([
    ['without parts', async () => [], {}, '400 MalformedXML'],
    [
      'with a part that was never uploaded',
      async () => [{ ETag: '"x"', PartNumber: 1 }],
      {},
      '400 InvalidPart',
    ],
    [
      'with parts out of order',
      async (Key, UploadId) => [await part(Key, UploadId, 2, 'b'), await part(Key, UploadId, 1, 'a')],
      {},
      '400 InvalidPartOrder',
    ],
    [
      'with a small part before the last',
      async (Key, UploadId) => [await part(Key, UploadId, 1, 'small'), await part(Key, UploadId, 2, 'last')],
      {},
      '400 EntityTooSmall',
    ],
    [
      'with another size than was announced',
      async (Key, UploadId) => [await part(Key, UploadId, 1, 'five!')],
      { MpuObjectSize: 6 },
      '400 InvalidRequest',
    ],
  ])('%s', async (label, makeParts, more, expected) => {
    const UploadId = await begin(label)
    const parts = await makeParts(label, UploadId)
    expect(await outcome(fixture.s3.send(complete(label, UploadId, parts, more)))).toBe(expected)
    expect(await outcome(fixture.s3.send(new HeadObjectCommand({ Bucket, Key: label })))).toBe('404 NotFound')
  })

  test('with an upload of another key', async () => {
    const UploadId = await begin('mine')
    const parts = [await part('mine', UploadId, 1, 'x')]
    expect(await outcome(fixture.s3.send(complete('yours', UploadId, parts)))).toBe('404 NoSuchUpload')
  })
})

test.each([0, 10_001])('there is no part %i', async (PartNumber) => {
  const UploadId = await begin('numbers')
  const upload = new UploadPartCommand({ Bucket, Key: 'numbers', UploadId, PartNumber, Body: 'x' })
  expect(await outcome(fixture.s3.send(upload))).toBe('400 InvalidArgument')
})

test('an aborted upload is gone, with its parts', async () => {
  const Key = 'aborted'
  const UploadId = await begin(Key)
  const parts = [await part(Key, UploadId, 1, 'x')]
  expect(await outcome(fixture.s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })))).toBe(
    '204',
  )
  expect(await outcome(fixture.s3.send(complete(Key, UploadId, parts)))).toBe('404 NoSuchUpload')
  expect(await outcome(fixture.s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })))).toBe(
    '404 NoSuchUpload',
  )
})

test('parts and uploads are listed, page by page', async () => {
  const Key = 'listed/one'
  const UploadId = await begin(Key)
  const other = await begin('listed/two')
  for (const number of [1, 2, 3]) await part(Key, UploadId, number, `part ${number}`)
  const list = (more: object): ListPartsCommand => new ListPartsCommand({ Bucket, Key, UploadId, ...more })
  const page = await fixture.s3.send(list({ MaxParts: 2 }))
  expect(page).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2' })
  expect(page.Parts?.map((one) => [one.PartNumber, one.Size])).toEqual([
    [1, 6],
    [2, 6],
  ])
  const rest = await fixture.s3.send(list({ PartNumberMarker: '2' }))
  expect([rest.IsTruncated, rest.Parts?.map((one) => one.PartNumber)]).toEqual([false, [3]])

  const uploads = await fixture.s3.send(
    new ListMultipartUploadsCommand({ Bucket, Prefix: 'listed/', MaxUploads: 1 }),
  )
  expect(uploads.Uploads?.map((one) => one.UploadId)).toEqual([UploadId])
  const next = await fixture.s3.send(
    new ListMultipartUploadsCommand({
      Bucket,
      Prefix: 'listed/',
      KeyMarker: uploads.NextKeyMarker,
      UploadIdMarker: uploads.NextUploadIdMarker,
    }),
  )
  expect([next.IsTruncated, next.Uploads?.map((one) => one.UploadId)]).toEqual([false, [other]])
})
