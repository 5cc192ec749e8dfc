import type { Upstream } from '../contract.ts'
import { cacheKeys } from '../keys.ts'
import type { Bucket } from '../objects.ts'
import { findInUpstream, UpstreamUnavailable } from '../upstream.ts'
import type { UpstreamMemory } from '../upstream-memory.ts'
import { readNarInfo } from './read-narinfo.ts'
import { hashPartOf, type StorePath } from '../../../nix/store-path.ts'

/**
 * Whether an upstream has a path, signed with a key that is declared for it. `unanswered`: one of them could not be asked, and no other has it.
 * @param memory of what was asked before; without one everything is asked
 */
export async function findInUpstreams(
  upstreams: Upstream[],
  path: StorePath,
  memory?: Pick<UpstreamMemory, 'recall'>,
): Promise<'elsewhere' | 'unanswered' | 'absent'> {
  for (const upstream of upstreams)
    if ((await memory?.recall(upstream, path)) !== undefined) return 'elsewhere'
  let isSure = true
  for (const upstream of upstreams) {
    try {
      if ((await findInUpstream(upstream, path)) !== undefined) return 'elsewhere'
    } catch (error) {
      if (!(error instanceof UpstreamUnavailable)) throw error
      isSure = false
    }
  }
  return isSure ? 'absent' : 'unanswered'
}

/** Whether our own cache has a path after all: it may have been published since the listing passed its key. */
export async function isInCache(cache: Bucket, path: StorePath): Promise<boolean> {
  const found = await readNarInfo(cache, cacheKeys.narinfo(hashPartOf(path)), [])
  return found?.info?.storePath === path
}
