import { PutObjectCommand } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import { signNarInfo, writeNarInfo } from '../../../../functions/publish/make-visible.ts'
import type { PublishedPath } from '../../../../functions/shared/records.ts'
import { fingerprint, formatNarInfo, type NarInfo } from '../../../../nix/narinfo.ts'
import { generateSecretKey, publicKeyOf, verify } from '../../../../nix/signature.ts'
import { hashPartOf } from '../../../../nix/store-path.ts'
import { Buckets, refusal } from '../buckets.ts'
import { drv, out } from '../graphs.ts'

const INFO: NarInfo = {
  storePath: out('app'),
  url: 'nar/0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73.nar.zst',
  compression: 'zstd',
  fileHash: 'sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
  fileSize: 50_184,
  narHash: 'sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s',
  narSize: 226_560,
  references: [out('libc')],
  deriver: drv('app'),
  signatures: [],
}
const PATH: PublishedPath = {
  storePath: INFO.storePath,
  narHash: INFO.narHash,
  narSize: INFO.narSize,
  references: INFO.references,
  fileHash: INFO.fileHash ?? '',
  fileSize: INFO.fileSize ?? 0,
  etag: '"0"',
}
const KEY = `cache/${hashPartOf(out('app'))}.narinfo`

test('a narinfo is signed with every key, and has nothing that was not verified', () => {
  const keys = [generateSecretKey('cache-1'), generateSecretKey('cache-2')]
  const forged = { ...PATH, signatures: ['cache-1:AAAA'], url: 'nar/evil', extra: [['X', 'y']] }
  const { signatures, ...rest } = signNarInfo(forged, drv('app'), keys)
  expect({ ...rest, signatures: [] }).toEqual(INFO)
  expect(signatures.map((signature) => verify(fingerprint(INFO), signature, keys.map(publicKeyOf)))).toEqual([
    'cache-1',
    'cache-2',
  ])
})

test('a source has no deriver, and its content address', () => {
  const ca = 'fixed:r:sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s'
  const signed = signNarInfo({ ...PATH, ca }, undefined, [generateSecretKey('cache-1')])
  expect(signed).toMatchObject({ storePath: out('app'), ca })
  expect(signed).not.toHaveProperty('deriver')
})

describe('a narinfo is written once', () => {
  let buckets: Buckets
  beforeEach(() => {
    buckets = new Buckets()
  })
  const write = (info: NarInfo) => writeNarInfo(buckets.bucket('cache'), info)
  const other = { ...INFO, narHash: `sha256:${'1'.repeat(52)}` }
  const namesake = { ...INFO, storePath: `${out('app')}-namesake` as typeof INFO.storePath }
  const conflict = () => {
    buckets.mock.on(PutObjectCommand).rejects(refusal(409, 'ConditionalRequestConflict'))
  }

  test('where none is', async () => {
    expect(await write(INFO)).toBe(true)
    expect(buckets.text(KEY)).toBe(formatNarInfo(INFO))
  })
  test('not over the same one', async () => {
    buckets.put(KEY, formatNarInfo({ ...INFO, fileSize: 1 }))
    expect(await write(INFO)).toBe(false)
    expect(buckets.text(KEY)).toBe(formatNarInfo({ ...INFO, fileSize: 1 }))
  })
  test('not over one with other bytes', async () => {
    buckets.put(KEY, formatNarInfo(other))
    await expect(write(INFO)).rejects.toMatchObject({ name: 'NotReproducible' })
    expect(buckets.text(KEY)).toBe(formatNarInfo(other))
  })
  test('not over that of another path with the same hash part', async () => {
    buckets.put(KEY, formatNarInfo(namesake))
    await expect(write(INFO)).rejects.toMatchObject({ name: 'NarInfoNotWritten', retryable: true })
  })
  test('and while somebody else writes it, nobody can say that it is there', async () => {
    conflict()
    await expect(write(INFO)).rejects.toMatchObject({ name: 'NarInfoNotWritten', retryable: true })
  })
  test('unless it is, a moment later', async () => {
    conflict()
    buckets.put(KEY, formatNarInfo(INFO))
    expect(await write(INFO)).toBe(false)
  })
  test('any other refusal is an error', async () => {
    buckets.mock.on(PutObjectCommand).rejects(refusal(403, 'AccessDenied'))
    await expect(write(INFO)).rejects.toThrow('AccessDenied')
  })
})
