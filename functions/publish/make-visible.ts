import { PutObjectCommand } from '@aws-sdk/client-s3'
import { fingerprint, formatNarInfo, type NarInfo } from '../../nix/narinfo.ts'
import { type SecretKey, sign } from '../../nix/signature.ts'
import { hashPartOf } from '../../nix/store-path.ts'
import { findInCache } from '../shared/caches.ts'
import { cacheKeys } from '../shared/keys.ts'
import { type Bucket, copyObject, isConditionFailed } from '../shared/objects.ts'
import { NarInfoNotWritten, NotReproducible, StagedResultInvalid } from './refusals.ts'
import { fileHashDigits } from './staged-result.ts'
import type { VerifiedOutput } from './verify-output.ts'

/**
 * Copies exactly the bytes that were verified into the cache. A client never asks for a NAR before its narinfo is there.
 * @throws StagedResultInvalid when the staged NAR is gone or has changed
 */
export async function copyNar(
  staging: Bucket,
  cache: Bucket,
  { info, key, etag }: VerifiedOutput,
): Promise<void> {
  const from = { ...staging, key, version: etag }
  const to = { ...cache, key: cacheKeys.nar(fileHashDigits(info.fileHash)) }
  const since = (what: string): StagedResultInvalid =>
    new StagedResultInvalid(`the staged NAR of ${info.storePath} ${what} since it was verified`)
  try {
    if (!(await copyObject(from, to, { contentType: 'application/x-nix-nar' }))) throw since('is gone')
  } catch (error) {
    throw isConditionFailed(error) ? since('has changed') : error
  }
}

/** The narinfo that clients see: what was verified, and every key's signature. Nothing else of what a builder wrote gets in. */
export function signNarInfo(verified: NarInfo, keys: SecretKey[]): NarInfo {
  const { storePath, url, compression, fileHash, fileSize, narHash, narSize, references, deriver } = verified
  const signed = fingerprint(verified)
  return {
    storePath,
    url,
    compression,
    ...(fileHash === undefined ? {} : { fileHash }),
    ...(fileSize === undefined ? {} : { fileSize }),
    narHash,
    narSize,
    references,
    ...(deriver === undefined ? {} : { deriver }),
    signatures: keys.map((key) => sign(signed, key)),
  }
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
  if (visible.narHash !== info.narHash)
    throw new NotReproducible(info.storePath, visible.narHash, info.narHash)
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
