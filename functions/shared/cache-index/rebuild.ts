import { HearthError } from '../errors.ts'
import type { Bucket } from '../objects.ts'
import { dropSegments } from './compact.ts'
import { rebuildPaths } from './paths-object.ts'
import { listSegments } from './segments.ts'

/** Others change the index as fast as it is made again. */
export class IndexNotRebuilt extends HearthError {
  override name = 'IndexNotRebuilt'
  override retryable = true
}

/**
 * Makes the whole index again from the narinfos in the cache bucket: nothing that it held, right or wrong, is left. What others write meanwhile stands.
 * To be run by a function, because that lives 15 minutes at most: enough for ten million narinfos.
 * @param now milliseconds since 1970
 * @returns how many narinfos the cache has
 * @throws IndexNotRebuilt
 */
export async function rebuildIndex(
  state: Bucket,
  cache: Bucket,
  now = Date.now(),
): Promise<{ narinfos: number }> {
  // What was seen before now is in the listing, or was deleted; what was to be deleted an hour ago is not in it, or will stay.
  const { keys } = await listSegments(state)
  const { held, isWritten } = await rebuildPaths(state, cache)
  if (!isWritten) throw new IndexNotRebuilt('the index changed again and again: try once more')
  await dropSegments(state, keys, now)
  return { narinfos: held.size }
}
