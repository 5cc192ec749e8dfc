import { hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import { stateKeys } from '../keys.ts'
import type { Bucket } from '../objects.ts'
import { compactIndex, isDue } from './compact.ts'
import type { HashParts } from './hash-parts.ts'
import { findHashParts, readSegments, type Segments, writeHeld } from './segments.ts'
import { rebuildShard } from './shards.ts'

/** What our cache holds, known without asking it: `docs/index.md`. */
export interface CacheIndex {
  /**
   * Whether our cache holds a path, as far as the index knows. True is as good as a narinfo that was read when the index was opened; false only says that one
   * must ask. The path must be proved: a hash part says nothing about the name that follows it.
   */
  has(path: StorePath): Promise<boolean>
  /** Keeps that a narinfo was just made visible, or just read. */
  note(path: StorePath): void
  /** Writes down what was noted, and compacts the index if that is due. */
  save(): Promise<void>
  /** how many requests the index has made so far */
  requests(): number
}

/**
 * Reads nothing before somebody asks, and then only the shards that are asked for. A shard that is not there is made from a listing of the cache bucket: an
 * index that was lost, or never was, costs a request for a thousand narinfos.
 * @param now for tests
 */
export function openCacheIndex(state: Bucket, cache: Bucket, now: () => number = Date.now): CacheIndex {
  const noted = new Set<string>()
  const shards = new Map<string, Promise<HashParts>>()
  let opened: Promise<Segments> | undefined
  let requests = 0

  function segments(): Promise<Segments> {
    opened ??= readSegments(state).then((read) => {
      requests += read.requests
      return read
    })
    return opened
  }

  async function readShard(digit: string): Promise<HashParts> {
    const { shards: listed } = await segments()
    if (listed.has(digit)) {
      requests++
      const found = await findHashParts(state, stateKeys.indexShard(digit))
      if (found !== undefined) return found.hashParts
    }
    const rebuilt = await rebuildShard(state, cache, digit)
    requests += rebuilt.requests
    return rebuilt.hashParts
  }

  async function shardOf(hashPart: string): Promise<HashParts> {
    const digit = hashPart.charAt(0)
    const shard = shards.get(digit) ?? readShard(digit)
    shards.set(digit, shard)
    return shard
  }

  return {
    async has(path) {
      const hashPart = hashPartOf(path)
      const { held, gone } = await segments()
      if (gone.has(hashPart)) return false
      return held.has(hashPart) || noted.has(hashPart) || (await shardOf(hashPart)).has(hashPart)
    },
    note(path) {
      noted.add(hashPartOf(path))
    },
    async save() {
      const read = await opened
      const fresh = [...noted].filter((hashPart) => read?.gone.has(hashPart) !== true)
      noted.clear()
      if (fresh.length > 0) {
        requests++
        await writeHeld(state, fresh)
      }
      if (read !== undefined && isDue(read, now())) await compactIndex(state, cache, now())
    },
    requests: () => requests,
  }
}
