import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { hashPartOf } from '../../../nix/store-path.ts'
import { cacheKeys, stateKeys } from '../../shared/keys.ts'
import { type Bucket, copyObject, findObject, isConditionFailed, isMissing } from '../../shared/objects.ts'
import type { Published } from '../../shared/records.ts'
import type { Suspect } from './suspect.ts'

/**
 * Takes one narinfo out of clients' sight: a copy of exactly this version goes to the state bucket first, then this version is deleted.
 * @returns false when it is not this version any more
 */
export async function quarantine(cache: Bucket, state: Bucket, { key, etag }: Suspect): Promise<boolean> {
  const version = etag === '' ? await etagOf(cache, key) : etag
  if (version === undefined) return false
  try {
    const to = { ...state, key: stateKeys.quarantined(key) }
    if (!(await copyObject({ ...cache, key, version }, to, { contentType: 'text/x-nix-narinfo' })))
      return false
    await cache.s3.send(new DeleteObjectCommand({ Bucket: cache.name, Key: key, IfMatch: version }))
    return true
  } catch (error) {
    if (isConditionFailed(error) || isMissing(error)) return false
    throw error
  }
}

/** Of a narinfo that is too large to be read. */
async function etagOf(cache: Bucket, key: string): Promise<string | undefined> {
  try {
    const { ETag } = await cache.s3.send(new HeadObjectCommand({ Bucket: cache.name, Key: key }))
    return ETag
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

// 64 MiB: as for Publish itself.
const RECORD_LIMIT = 64 * 1024 * 1024

/**
 * Drops a withdrawn write-once record when clients see none of its outputs any more, so that any build of it may be published again.
 * Until then the record stays: a build with other bytes must not get in beside an output that is still visible.
 * @param hashPart what the record may be named for
 */
export async function dropRecord(cache: Bucket, state: Bucket, hashPart: string): Promise<boolean> {
  const key = stateKeys.published(hashPart)
  const found = await findObject(state, key, RECORD_LIMIT)
  if (found === undefined) return false
  const { outputs, withdrawn } = JSON.parse(Buffer.from(found.bytes).toString('utf8')) as Published
  if (withdrawn === undefined) return false
  for (const { storePath } of Object.values(outputs))
    if ((await etagOf(cache, cacheKeys.narinfo(hashPartOf(storePath)))) !== undefined) return false
  try {
    await state.s3.send(new DeleteObjectCommand({ Bucket: state.name, Key: key, IfMatch: found.etag }))
    return true
  } catch (error) {
    // somebody publishes the derivation again at this moment
    if (isConditionFailed(error) || isMissing(error)) return false
    throw error
  }
}
