import { PutObjectCommand } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { stateKeys } from '../keys.ts'
import { listObjects } from '../list-objects.ts'
import { type Bucket, findObject, isConditionFailed, isMissing } from '../objects.ts'
import { cacheObjectOf } from '../verification/cache-object.ts'
import { HashParts } from './hash-parts.ts'
import { findHashParts, OBJECT_LIMIT, OBJECTS_OF_A_LISTING } from './segments.ts'

const KEY = stateKeys.indexPaths

// Others write it at the same moment: whoever lost 5 times leaves it to them.
const TRIES = 5

/**
 * Changes what the index holds, segments apart.
 * @param change what it is to hold, given what it holds; undefined when that is right as it is
 * @returns false when others were faster each time, or there is no index: it is as it was
 */
export async function changePaths(
  state: Bucket,
  change: (held: HashParts) => HashParts | undefined,
): Promise<boolean> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const found = await findHashParts(state, KEY)
    if (found === undefined) return false
    const changed = change(found.hashParts)
    if (changed === undefined || (await replace(state, changed, found.etag))) return true
  }
  return false
}

/** What a listing of the cache bucket says, and whether it could be written: others may have written each time. */
export interface RebuiltPaths {
  held: HashParts
  isWritten: boolean
  requests: number
}

/** Makes what the index holds again from the narinfos in the cache bucket, whatever it was. */
export async function rebuildPaths(state: Bucket, cache: Bucket): Promise<RebuiltPaths> {
  let requests = 0
  for (let attempt = 1; ; attempt++) {
    // The version first, then the listing: what others write meanwhile is not lost, because it is another version then.
    const before = await findObject(state, KEY, OBJECT_LIMIT)
    const listed = await listHashParts(cache)
    const held = HashParts.of(listed.hashParts)
    requests += 2 + listed.requests
    const isWritten = await replace(state, held, before?.etag)
    if (isWritten || attempt === TRIES) return { held, isWritten, requests }
  }
}

// Source: Nix manual, "Nix32 encoding".
const DIGITS = '0123456789abcdfghijklmnpqrsvwxyz'
// A page of a listing says where the next one begins, but hash parts may begin with 32 digits: so many listings at once.
const LISTINGS_AT_ONCE = 32

/** The narinfos of the cache bucket. S3 leaves out `nar/`, `log/` and what is below. */
async function listHashParts(cache: Bucket): Promise<{ hashParts: string[]; requests: number }> {
  const hashParts: string[] = []
  let requests = 0
  await pLimit(LISTINGS_AT_ONCE).map(DIGITS.split(''), async (digit) => {
    let listed = 0
    for await (const { key } of listObjects(cache, digit, '/')) {
      listed++
      const object = cacheObjectOf(key)
      if (object.kind === 'narinfo') hashParts.push(object.hashPart)
    }
    requests += Math.max(1, Math.ceil(listed / OBJECTS_OF_A_LISTING))
  })
  return { hashParts, requests }
}

async function replace(state: Bucket, held: HashParts, etag: string | undefined): Promise<boolean> {
  try {
    await state.s3.send(
      new PutObjectCommand({
        Bucket: state.name,
        Key: KEY,
        Body: await held.pack(),
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
