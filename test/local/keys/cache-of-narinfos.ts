import { createHash } from 'node:crypto'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import type { Bucket } from '../../../functions/shared/objects.ts'
import { encodeBase32 } from '../../../nix/base32.ts'
import { fingerprint, formatNarInfo, type NarInfo } from '../../../nix/narinfo.ts'
import { type SecretKey, sign } from '../../../nix/signature.ts'
import { parseStorePath } from '../../../nix/store-path.ts'

/** The hash part of the path with this number: as good as random. */
export function hashPart(number: number): string {
  return encodeBase32(createHash('sha256').update(String(number)).digest().subarray(0, 20))
}

export function narinfoKey(number: number): string {
  return `${hashPart(number)}.narinfo`
}

export function narinfo(number: number, signers: SecretKey[]): string {
  const info: NarInfo = {
    storePath: parseStorePath(`/nix/store/${hashPart(number)}-path-${number}`),
    url: `nar/${'0'.repeat(52)}.nar.zst`,
    compression: 'zstd',
    narHash: `sha256:${'0'.repeat(52)}`,
    narSize: 96 + number,
    references: [],
    signatures: [],
  }
  return formatNarInfo({ ...info, signatures: signers.map((key) => sign(fingerprint(info), key)) })
}

export async function put({ s3, name }: Bucket, key: string, body: string): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: name, Key: key, Body: body }))
}

export async function remove({ s3, name }: Bucket, key: string): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: name, Key: key }))
}

// As many as make the most of one connection's waiting.
const AT_ONCE = 16

/** Every object of a bucket as text, by key, in order. */
export async function allObjects({ s3, name }: Bucket): Promise<Map<string, string>> {
  const keys: string[] = []
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: name }))
    keys.push(...Contents.map(({ Key = '' }) => Key))
  return new Map(
    await pLimit(AT_ONCE).map(keys, async (Key) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: name, Key }))
      return [Key, (await Body?.transformToString()) ?? ''] as const
    }),
  )
}

/** Puts objects by key, all at the same time. */
export async function putAll(bucket: Bucket, objects: Iterable<readonly [string, string]>): Promise<void> {
  await pLimit(AT_ONCE).map(objects, ([key, body]) => put(bucket, key, body))
}

/** The same text without its signatures. */
export function unsigned(text: string): string {
  return text.replaceAll(/^Sig: .*\n/gm, '')
}
