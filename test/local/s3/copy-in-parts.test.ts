import {
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { copyOfAnySize } from '../../../functions/shared/copy-in-parts.ts'
import { pseudoRandomBytes } from './answers.ts'
import { serverForThisFile } from './server-fixture.ts'

const MIB = 1024 ** 2
const fixture = serverForThisFile(['staging', 'cache'])
// the smallest parts that S3 takes
const limits = { whole: 6 * MIB, part: 5 * MIB }
const metadata = { contentType: 'application/x-nix-nar' }

async function staged(size: number, key = `nar/${size}.nar.zst`) {
  const Body = pseudoRandomBytes(size)
  const { ETag: version = '' } = await fixture.s3.send(
    new PutObjectCommand({
      Bucket: 'staging',
      Key: key,
      Body,
      ContentType: 'text/html',
      ContentEncoding: 'gzip',
    }),
  )
  return {
    Body,
    from: { s3: fixture.s3, name: 'staging', key, version },
    to: { s3: fixture.s3, name: 'cache', key },
  }
}
async function read(Key: string): Promise<Buffer> {
  const { Body } = await fixture.s3.send(new GetObjectCommand({ Bucket: 'cache', Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}
const uploads = async () =>
  (await fixture.s3.send(new ListMultipartUploadsCommand({ Bucket: 'cache' }))).Uploads ?? []

describe('an object of whatever size is copied whole, with our own metadata', () => {
  test.each([
    ['as small as one request copies', 6 * MIB, 1],
    ['a byte larger: in parts', 6 * MIB + 1, 2],
    ['in parts without a rest', 15 * MIB, 3],
    ['in parts with a rest of one byte', 15 * MIB + 1, 4],
  ])('%s', async (_, size, parts) => {
    const { Body, from, to } = await staged(size)
    expect(await copyOfAnySize(from, to, size, metadata, limits)).toBe(true)
    expect((await read(to.key)).equals(Body)).toBe(true)
    const head = await fixture.s3.send(new HeadObjectCommand({ Bucket: 'cache', Key: to.key }))
    expect(head).toMatchObject({ ContentType: 'application/x-nix-nar', ContentLength: size })
    expect(head.ContentEncoding).toBeUndefined()
    expect(head.ETag?.endsWith(`-${parts}"`)).toBe(parts > 1)
    expect(await uploads()).toEqual([])
  })
})

describe('what cannot be copied leaves nothing behind, not even parts', () => {
  test('a source that has changed', async () => {
    const { from, to } = await staged(16 * MIB, 'nar/changed')
    const before = { ...from, version: '"0123456789abcdef0123456789abcdef"' }
    await expect(copyOfAnySize(before, to, 16 * MIB, metadata, limits)).rejects.toMatchObject({
      $metadata: { httpStatusCode: 412 },
    })
    await expect(read(to.key)).rejects.toMatchObject({ name: 'NoSuchKey' })
    expect(await uploads()).toEqual([])
  })
  test('a source that is gone', async () => {
    const { from, to } = await staged(16 * MIB, 'nar/gone')
    expect(await copyOfAnySize({ ...from, key: 'nar/nowhere' }, to, 16 * MIB, metadata, limits)).toBe(false)
    expect(await uploads()).toEqual([])
  })
})
