import { PutObjectCommand } from '@aws-sdk/client-s3'
import type { SecretKey } from '../../../nix/signature.ts'
import { HearthError } from '../../shared/errors.ts'
import {
  type Bucket,
  findObject,
  isConditionFailed,
  isMissing,
  ObjectTooLarge,
} from '../../shared/objects.ts'
import { addSignatures } from './add-signatures.ts'

export class NarInfoKeepsChanging extends HearthError {
  override name = 'NarInfoKeepsChanging'
  override retryable = true
}

// 1 MiB: as for every published narinfo.
const NARINFO_LIMIT = 1024 * 1024
// Somebody else signs or removes it at the same moment: the second look decides, the third is for the unlucky.
const TRIES = 3

export type ResignedNarInfo = 'signed' | 'complete' | 'gone' | { foreign: string }

/**
 * Adds the missing signatures to one narinfo, if it is still the one that was read: what was removed meanwhile does not come back.
 * @param turn resolves when one more write is allowed
 */
export async function resignNarInfo(
  cache: Bucket,
  key: string,
  keys: SecretKey[],
  turn: () => Promise<void>,
): Promise<ResignedNarInfo> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const found = await findNarInfo(cache, key)
    if (found === undefined) return 'gone'
    if ('foreign' in found) return found
    const resigned = addSignatures(key, found.bytes, keys)
    if (resigned.kind === 'foreign') return { foreign: resigned.reason }
    if (resigned.kind === 'complete') return 'complete'
    await turn()
    if (await replace(cache, key, resigned.bytes, found.etag)) return 'signed'
  }
  throw new NarInfoKeepsChanging(`${key} was changed by somebody else ${TRIES} times while it was re-signed`)
}

async function findNarInfo(
  cache: Bucket,
  key: string,
): Promise<{ bytes: Uint8Array; etag: string } | { foreign: string } | undefined> {
  try {
    return await findObject(cache, key, NARINFO_LIMIT)
  } catch (error) {
    if (error instanceof ObjectTooLarge) return { foreign: error.message }
    throw error
  }
}

async function replace(cache: Bucket, key: string, bytes: Uint8Array, etag: string): Promise<boolean> {
  try {
    await cache.s3.send(
      new PutObjectCommand({
        Bucket: cache.name,
        Key: key,
        Body: bytes,
        ContentType: 'text/x-nix-narinfo',
        IfMatch: etag,
      }),
    )
    return true
  } catch (error) {
    // 404: S3 finds nothing that could match
    if (isConditionFailed(error) || isMissing(error)) return false
    throw error
  }
}
