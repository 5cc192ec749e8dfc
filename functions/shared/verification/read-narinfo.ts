import type { PublicKey } from '../../../nix/signature.ts'
import { type Bucket, findObject, ObjectTooLarge } from '../objects.ts'
import { type CheckedNarInfo, checkNarInfo, NARINFO_LIMIT } from './check-narinfo.ts'

/** A narinfo as it lies in a bucket, and what is wrong with it by itself. */
export interface ReadNarInfo extends CheckedNarInfo {
  key: string
  /** empty when there were too many of them */
  bytes: Uint8Array
  etag: string
  modified: Date
}

/**
 * @param key of the cache bucket
 * @param prefix what stands before that key in this bucket: nothing in the cache
 * @returns undefined when there is no such object
 */
export async function readNarInfo(
  bucket: Bucket,
  key: string,
  keys: PublicKey[],
  prefix = '',
): Promise<ReadNarInfo | undefined> {
  try {
    const found = await findObject(bucket, prefix + key, NARINFO_LIMIT)
    if (found === undefined) return undefined
    const { bytes, etag, lastModified } = found
    return { key, bytes, etag, modified: lastModified, ...checkNarInfo(key, bytes, keys) }
  } catch (error) {
    if (!(error instanceof ObjectTooLarge)) throw error
    return {
      key,
      bytes: new Uint8Array(),
      etag: '',
      modified: new Date(0),
      info: undefined,
      nar: undefined,
      faults: [{ fault: 'malformed-narinfo', key, detail: error.message }],
    }
  }
}
