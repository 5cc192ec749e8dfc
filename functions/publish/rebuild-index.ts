import * as z from 'zod/mini'
import { rebuildIndex } from '../shared/cache-index/rebuild.ts'
import { logger } from '../shared/lambda.ts'
import type { Bucket } from '../shared/objects.ts'

/** What the `index` state machine sends. */
export const IndexInput = z.object({ mode: z.literal('index') })

/** The index mode of Publish: makes the index of what our cache holds again, from the cache. Changes nothing that clients see. */
export async function runIndexRebuild({
  state,
  cache,
}: {
  state: Bucket
  cache: Bucket
}): Promise<{ narinfos: number }> {
  const rebuilt = await rebuildIndex(state, cache)
  logger.info('index rebuilt', rebuilt)
  return rebuilt
}
