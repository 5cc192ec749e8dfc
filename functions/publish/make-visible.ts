import { createHash } from 'node:crypto'
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { encodeBase32 } from '../../nix/base32.ts'
import { fingerprint, formatNarInfo, type NarInfo } from '../../nix/narinfo.ts'
import { type SecretKey, sign } from '../../nix/signature.ts'
import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import { findInCache } from '../shared/caches.ts'
import { copyOfAnySize } from '../shared/copy-in-parts.ts'
import { cacheKeys, stagedKeys } from '../shared/keys.ts'
import { type Bucket, isConditionFailed, isMissing, writeObject } from '../shared/objects.ts'
import type { PublishedPath } from '../shared/records.ts'
import { bytesOfPart } from './parcels.ts'
import type { Publication } from './publication.ts'
import { NarInfoNotWritten, NotReproducible } from './refusals.ts'
import { fileHashDigits } from './staged-result.ts'

const NAR = { contentType: 'application/x-nix-nar' }

type Copied = 'copied' | 'is gone' | 'has changed'

/**
 * Copies exactly the bytes that were verified into the cache. A client never asks for a NAR before its narinfo is there.
 * @param prefix where they were staged
 * @returns why that is not possible: the staged NAR `is gone`, or `has changed`
 */
export async function copyNar(
  publication: Pick<Publication, 'staging' | 'cache' | 'parcels' | 'prefix'>,
  prefix: string,
  { fileHash, fileSize, etag, part }: Pick<PublishedPath, 'fileHash' | 'fileSize' | 'etag' | 'part'>,
): Promise<Copied> {
  const { staging, cache } = publication
  const digits = fileHashDigits(fileHash)
  const key = stagedKeys.nar(prefix, digits)
  if (part !== undefined) return putNar(cache, digits, await bytesOfPart(publication, prefix, key, part))
  const from = { ...staging, key, version: etag }
  const to = { ...cache, key: cacheKeys.nar(digits) }
  try {
    return (await copyOfAnySize(from, to, fileSize, NAR)) ? 'copied' : 'is gone'
  } catch (error) {
    if (isConditionFailed(error)) return 'has changed'
    throw error
  }
}

/** Stores a NAR from memory, if it has the hash that was verified; S3 checks it, too. */
async function putNar(
  cache: Bucket,
  digits: string,
  bytes: Uint8Array | Exclude<Copied, 'copied'>,
): Promise<Copied> {
  if (typeof bytes === 'string') return bytes
  const sha256 = createHash('sha256').update(bytes).digest()
  if (encodeBase32(sha256) !== digits) return 'has changed'
  await writeObject({ ...cache, key: cacheKeys.nar(digits) }, bytes, NAR, sha256)
  return 'copied'
}

/** Whether the cache has a NAR already, whole: its key is the hash of its bytes, and only Publish writes there. */
export async function hasNar(
  cache: Bucket,
  { fileHash, fileSize }: Pick<PublishedPath, 'fileHash' | 'fileSize'>,
): Promise<boolean> {
  const where = { Bucket: cache.name, Key: cacheKeys.nar(fileHashDigits(fileHash)) }
  try {
    return (await cache.s3.send(new HeadObjectCommand(where))).ContentLength === fileSize
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/**
 * The narinfo that clients see: what was verified, and every key's signature. Nothing else of what a builder wrote gets in.
 * @param deriver of an output; a source has none
 */
export function signNarInfo(
  { storePath, narHash, narSize, references, fileHash, fileSize, ca }: Omit<PublishedPath, 'etag' | 'part'>,
  deriver: StorePath | undefined,
  keys: SecretKey[],
): NarInfo {
  const unsigned = {
    storePath,
    url: cacheKeys.nar(fileHashDigits(fileHash)),
    compression: 'zstd',
    fileHash,
    fileSize,
    narHash,
    narSize,
    references,
    ...(deriver === undefined ? {} : { deriver }),
    ...(ca === undefined ? {} : { ca }),
  }
  const signed = fingerprint(unsigned)
  return { ...unsigned, signatures: keys.map((key) => sign(signed, key)) }
}

/**
 * Writes a narinfo once. From this moment clients see the path, so its NAR and everything it refers to must be there.
 * @returns false when the same one was there already
 * @throws NotReproducible when one with other bytes is there, NarInfoNotWritten when none is, and none could be written
 */
export async function writeNarInfo(cache: Bucket, info: NarInfo): Promise<boolean> {
  if (await create(cache, info)) return true
  const visible = await findInCache(cache, info.storePath)
  if (visible === undefined) throw new NarInfoNotWritten(info.storePath)
  const { storePath, narHash } = info
  if (visible.narHash !== narHash)
    throw new NotReproducible([{ storePath, published: visible.narHash, built: narHash }])
  return false
}

async function create(cache: Bucket, info: NarInfo): Promise<boolean> {
  try {
    await cache.s3.send(
      new PutObjectCommand({
        Bucket: cache.name,
        Key: cacheKeys.narinfo(hashPartOf(info.storePath)),
        Body: formatNarInfo(info),
        ContentType: 'text/x-nix-narinfo',
        IfNoneMatch: '*',
      }),
    )
    return true
  } catch (error) {
    if (isConditionFailed(error)) return false
    throw error
  }
}
