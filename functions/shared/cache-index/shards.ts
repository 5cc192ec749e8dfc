import { PutObjectCommand } from '@aws-sdk/client-s3'
import { stateKeys } from '../keys.ts'
import { listObjects } from '../list-objects.ts'
import { type Bucket, findObject, isConditionFailed, isMissing } from '../objects.ts'
import { formatHashParts, HashParts } from './hash-parts.ts'
import { findHashParts, OBJECT_LIMIT } from './segments.ts'

/** What hash parts begin with: each shard of the index has those with one of them. */
export const FIRST_DIGITS = '0123456789abcdfghijklmnpqrsvwxyz'.split('')

// Others write the same shard at the same moment: whoever lost 5 times leaves it to them.
const TRIES = 5

/**
 * Changes one shard.
 * @param change what it is to hold, given what it holds; undefined when that is right as it is
 * @returns false when others were faster each time, or there is no shard: it is as it was
 */
export async function changeShard(
  state: Bucket,
  digit: string,
  change: (hashParts: HashParts) => Set<string> | undefined,
): Promise<boolean> {
  const key = stateKeys.indexShard(digit)
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const found = await findHashParts(state, key)
    if (found === undefined) return false
    const changed = change(found.hashParts)
    if (changed === undefined || (await replace(state, key, await formatHashParts(changed), found.etag)))
      return true
  }
  return false
}

/**
 * Makes one shard again from the narinfos in the cache bucket, whatever it held.
 * @returns what it holds now
 */
export async function rebuildShard(
  state: Bucket,
  cache: Bucket,
  digit: string,
): Promise<{ hashParts: HashParts; requests: number; isWritten: boolean }> {
  const key = stateKeys.indexShard(digit)
  let requests = 0
  for (let attempt = 1; ; attempt++) {
    // The version first, then the listing: what others compact into the shard meanwhile is not lost, because it is another version then.
    const before = await findObject(state, key, OBJECT_LIMIT)
    const listed = await listHashParts(cache, digit)
    const bytes = await formatHashParts(listed.hashParts)
    requests += 2 + listed.requests
    const isWritten = await replace(state, key, bytes, before?.etag)
    if (isWritten || attempt === TRIES)
      return { hashParts: await HashParts.read(key, bytes), requests, isWritten }
  }
}

const NARINFO = new RegExp(`^[${FIRST_DIGITS.join('')}]{32}\\.narinfo$`)
const HASH_PART_LENGTH = 32
// S3 lists 1,000 objects at once.
const PAGE = 1000

/** The narinfos of the cache bucket that begin with a digit. S3 leaves out `nar/`, `log/` and what is below. */
async function listHashParts(
  cache: Bucket,
  digit: string,
): Promise<{ hashParts: string[]; requests: number }> {
  const hashParts: string[] = []
  let listed = 0
  for await (const { key } of listObjects(cache, digit, '/')) {
    listed++
    if (NARINFO.test(key)) hashParts.push(key.slice(0, HASH_PART_LENGTH))
  }
  return { hashParts, requests: Math.max(1, Math.ceil(listed / PAGE)) }
}

async function replace(
  state: Bucket,
  key: string,
  bytes: Uint8Array,
  etag: string | undefined,
): Promise<boolean> {
  try {
    await state.s3.send(
      new PutObjectCommand({
        Bucket: state.name,
        Key: key,
        Body: bytes,
        ContentType: 'application/zstd',
        ...(etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag }),
      }),
    )
    return true
  } catch (error) {
    if (isConditionFailed(error) || isMissing(error)) return false
    throw error
  }
}
