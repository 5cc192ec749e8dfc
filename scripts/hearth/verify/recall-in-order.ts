import type { Bucket } from '../../../functions/shared/objects.ts'
import { openUpstreamMemory, type UpstreamMemory } from '../../../functions/shared/upstream-memory.ts'
import { hashPartOf } from '../../../nix/store-path.ts'

/**
 * What upstreams were found to have, for somebody who asks path after path in the order of their hash parts. A shard of the memory, all paths with one
 * first digit, is forgotten when the next one is asked for: all 32 can have 250 MB. Nothing is written: whoever verifies may only read.
 */
export function recallInOrder(state: Bucket, now?: () => number): Pick<UpstreamMemory, 'recall'> {
  let open: { digit: string; memory: UpstreamMemory } | undefined
  return {
    recall(upstream, path) {
      const [digit = ''] = hashPartOf(path)
      if (open?.digit !== digit) open = { digit, memory: openUpstreamMemory(state, now) }
      return open.memory.recall(upstream, path)
    },
  }
}
