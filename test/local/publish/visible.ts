import { createHash } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { expect } from 'vitest'
import type { Bucket } from '../../../functions/shared/objects.ts'
import { encodeBase32 } from '../../../nix/base32.ts'
import { fingerprint, type NarInfo, parseNarInfo } from '../../../nix/narinfo.ts'
import { publicKeyOf, verify } from '../../../nix/signature.ts'
import { hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import type { World } from './world.ts'

export async function keysOf({ s3, name }: Bucket): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: name }))
  return Contents.map(({ Key = '' }) => Key)
}

/** Every narinfo that clients see. */
export async function visibleNarInfos(world: World): Promise<NarInfo[]> {
  const keys = (await keysOf(world.cache)).filter((key) => key.endsWith('.narinfo'))
  return Promise.all(
    keys.map(async (key) => {
      const info = parseNarInfo((await world.get(world.cache, key))?.toString('utf8') ?? '')
      expect(key).toBe(`${hashPartOf(info.storePath)}.narinfo`)
      return info
    }),
  )
}

/**
 * What holds of the cache at every moment: each narinfo that a client sees is signed with our key, its NAR is there with the very bytes that it
 * says, and everything that it refers to is there, too.
 * @param elsewhere what clients find in an upstream
 * @returns the paths that are visible
 */
export async function expectSound(world: World, elsewhere: StorePath[] = []): Promise<StorePath[]> {
  const infos = await visibleNarInfos(world)
  const there = new Set([...infos.map(({ storePath }) => storePath), ...elsewhere])
  for (const info of infos) {
    const [signature = ''] = info.signatures
    expect(info.signatures).toHaveLength(1)
    expect(verify(fingerprint(info), signature, [publicKeyOf(world.key)])).toBe(world.key.name)
    const file = (await world.get(world.cache, info.url)) ?? Buffer.alloc(0)
    expect({ fileHash: hashOf(file), fileSize: file.length }).toEqual({
      fileHash: info.fileHash,
      fileSize: info.fileSize,
    })
    const nar = zstdDecompressSync(file)
    expect({ narHash: hashOf(nar), narSize: nar.length }).toEqual({
      narHash: info.narHash,
      narSize: info.narSize,
    })
    expect(info.references.filter((reference) => !there.has(reference))).toEqual([])
  }
  return infos.map(({ storePath }) => storePath).toSorted()
}

function hashOf(bytes: Uint8Array): string {
  return `sha256:${encodeBase32(createHash('sha256').update(bytes).digest())}`
}

/** Every object of a bucket, and the SHA-256 of its bytes. */
export async function contentsOf({ s3, name }: Bucket): Promise<Record<string, string>> {
  const hashes = (await keysOf({ s3, name })).map(async (key) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: name, Key: key }))
    return [key, hashOf((await Body?.transformToByteArray()) ?? new Uint8Array())] as const
  })
  return Object.fromEntries(await Promise.all(hashes))
}

/** Which builds stand, by key; when somebody last set out to finish one says nothing. */
export async function recordsOf(world: World): Promise<Record<string, object>> {
  const records = (await keysOf(world.state))
    .filter((key) => key.startsWith('published/'))
    .map(async (key) => {
      const text = (await world.get(world.state, key))?.toString('utf8') ?? ''
      return [key, { ...(JSON.parse(text) as object), begun: '' }] as const
    })
  return Object.fromEntries(await Promise.all(records))
}
