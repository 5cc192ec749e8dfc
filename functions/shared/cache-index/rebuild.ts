import pLimit from 'p-limit'
import { HearthError } from '../errors.ts'
import type { Bucket } from '../objects.ts'
import { dropSegments } from './compact.ts'
import { listSegments } from './segments.ts'
import { FIRST_DIGITS, rebuildShard } from './shards.ts'

/** Others change a shard as fast as it is made again. */
export class IndexNotRebuilt extends HearthError {
  override name = 'IndexNotRebuilt'
  override retryable = true
}

// As many listings at once as S3 answers below one prefix without a second thought; a million narinfos are 1,000 pages.
const SHARDS_AT_ONCE = 8

/**
 * Makes the whole index again from the narinfos in the cache bucket: nothing that it held, right or wrong, is left. What others write meanwhile stands.
 * To be run by a function, which lives 15 minutes: enough for some ten million narinfos.
 * @param now milliseconds since 1970
 * @returns how many narinfos the cache has
 * @throws IndexNotRebuilt
 */
export async function rebuildIndex(
  state: Bucket,
  cache: Bucket,
  now = Date.now(),
): Promise<{ narinfos: number }> {
  // What was seen before now is in the listings, or was deleted; what was to be deleted an hour ago is not in them, or will stay.
  const segments = await listSegments(state)
  const limit = pLimit(SHARDS_AT_ONCE)
  const sizes = await limit.map(FIRST_DIGITS, async (digit) => {
    const { hashParts, isWritten } = await rebuildShard(state, cache, digit)
    if (!isWritten)
      throw new IndexNotRebuilt(`the shard ${digit} of the index changed again and again: try once more`)
    return hashParts.size
  })
  await dropSegments(state, segments, now)
  return { narinfos: sizes.reduce((sum, size) => sum + size, 0) }
}
