import { CopyObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  claimJson,
  copyObject,
  findJson,
  findObject,
  readJson,
  writeJson,
} from '../../../../functions/shared/objects.ts'
import { Buckets, refusal } from '../buckets.ts'

let buckets: Buckets
beforeEach(() => {
  buckets = new Buckets()
})
const state = () => buckets.bucket('state')

describe('an object that is read whole', () => {
  test('comes with its ETag', async () => {
    buckets.put('state/a', 'abc')
    // `printf abc | md5sum`
    expect(await findObject(state(), 'a', 3)).toMatchObject({
      bytes: new Uint8Array(Buffer.from('abc')),
      etag: '"900150983cd24fb0d6963f7d28e17f72"',
    })
  })
  test('may be missing', async () => {
    expect(await findObject(state(), 'a', 3)).toBeUndefined()
    expect(await findJson(state(), 'a')).toBeUndefined()
  })
  test('is not read when it is larger than it may be', async () => {
    buckets.put('state/a', 'abcd')
    await expect(findObject(state(), 'a', 3)).rejects.toMatchObject({
      name: 'ObjectTooLarge',
      message: 'a has 4 bytes, and at most 3 are read',
    })
  })
  test('says so when it must be there', async () => {
    await expect(readJson(state(), 'a')).rejects.toMatchObject({
      name: 'ObjectNotFound',
      message: 'there is no object a in the bucket state',
    })
  })
  // whoever may not list a bucket gets 403 for what is missing: a role without s3:ListBucket must not look like an empty bucket
  test('is not missing when S3 refuses to say', async () => {
    buckets.mock.on(GetObjectCommand).rejects(refusal(403, 'AccessDenied'))
    await expect(findObject(state(), 'a', 3)).rejects.toThrow('AccessDenied')
  })
})

describe('a claim', () => {
  test('succeeds where nothing is', async () => {
    expect(await claimJson(state(), 'a', { mine: true })).toBe(true)
    expect(buckets.json('state/a')).toEqual({ mine: true })
  })
  test('fails where something is', async () => {
    buckets.put('state/a', { mine: false })
    expect(await claimJson(state(), 'a', { mine: true })).toBe(false)
    expect(buckets.json('state/a')).toEqual({ mine: false })
  })
  test('succeeds over the very version that was seen', async () => {
    buckets.put('state/a', { mine: false })
    const seen = await findObject(state(), 'a', 100)
    expect(await claimJson(state(), 'a', { mine: true }, seen?.etag)).toBe(true)
  })
  test('fails when it is not there any more', async () => {
    expect(await claimJson(state(), 'a', { mine: true }, '"0"')).toBe(false)
    expect(buckets.keys('state')).toEqual([])
  })
  test('fails when somebody else changed it meanwhile', async () => {
    buckets.put('state/a', { mine: false })
    const seen = await findObject(state(), 'a', 100)
    await writeJson(state(), 'a', { theirs: true })
    expect(await claimJson(state(), 'a', { mine: true }, seen?.etag)).toBe(false)
    expect(buckets.json('state/a')).toEqual({ theirs: true })
  })
})

describe('a copy', () => {
  const key = 'staging/AROA:AWSCodeBuild-1/nar/a b+c.nar.zst'
  const copy = (version?: string) =>
    copyObject(
      { ...buckets.bucket('staging'), key, ...(version === undefined ? {} : { version }) },
      { ...buckets.bucket('cache'), key: 'nar/x' },
      { contentType: 'application/x-nix-nar' },
    )

  test('names its source as a URL does, and replaces all metadata', async () => {
    buckets.put(`staging/${key}`, 'abc')
    expect(await copy('"900150983cd24fb0d6963f7d28e17f72"')).toBe(true)
    expect(buckets.mock.commandCalls(CopyObjectCommand)[0]?.args[0].input).toEqual({
      Bucket: 'cache',
      Key: 'nar/x',
      CopySource: 'staging/staging/AROA%3AAWSCodeBuild-1/nar/a%20b%2Bc.nar.zst',
      CopySourceIfMatch: '"900150983cd24fb0d6963f7d28e17f72"',
      MetadataDirective: 'REPLACE',
      TaggingDirective: 'REPLACE',
      ContentType: 'application/x-nix-nar',
    })
    expect(buckets.text('cache/nar/x')).toBe('abc')
  })
  test('of what is not there is none', async () => {
    expect(await copy()).toBe(false)
  })
  test('of another version fails', async () => {
    buckets.put(`staging/${key}`, 'abc')
    await expect(copy('"0"')).rejects.toMatchObject({ name: 'PreconditionFailed' })
  })
})
