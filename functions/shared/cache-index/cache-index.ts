import { hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import { stateKeys } from '../keys.ts'
import type { Bucket } from '../objects.ts'
import { compactIndex, isDue } from './compact.ts'
import type { HashParts } from './hash-parts.ts'
import { rebuildPaths } from './paths-object.ts'
import { findHashParts, readSegments, type Segments, writeHeld } from './segments.ts'

/** What our cache holds, known without asking it: `docs/index.md`. */
export interface CacheIndex {
  /** Begins to read it, for who will ask soon. */
  open(): void
  /**
   * Which of these our cache holds, as far as the index knows. One that is named is as good as one whose narinfo was read when the index was opened; of another one
   * must ask. Only for paths that are proved: a hash part says nothing of the name behind it.
   */
  whichAreHeld(paths: StorePath[]): Promise<Set<StorePath>>
  /** Keeps that a narinfo was just made visible, or just read. */
  note(path: StorePath): void
  /** Writes down what was noted, and compacts the index if that is due. */
  save(): Promise<void>
  /** how many requests the index has made so far */
  requests(): number
}

interface Contents {
  held: HashParts
  segments: Segments
}

/**
 * Reads nothing before somebody asks. An index that was lost, or never was, is made from a listing of the cache bucket: a request for a thousand narinfos.
 * @param now for tests
 */
export function openCacheIndex(state: Bucket, cache: Bucket, now: () => number = Date.now): CacheIndex {
  const noted = new Set<string>()
  let contents: Promise<Contents> | undefined
  let requests = 0

  async function read(): Promise<Contents> {
    // Both at once, which saves a round trip: it counts when the listing names this very version.
    const early = findHashParts(state, stateKeys.indexPaths)
    // who waits for the segments first would not be there when it fails
    early.catch(() => undefined)
    const segments = await readSegments(state)
    let found = await early
    requests += segments.requests + 1
    if (found?.etag !== segments.pathsEtag) {
      found = await findHashParts(state, stateKeys.indexPaths)
      requests++
    }
    if (found !== undefined) return { held: found.hashParts, segments }
    const rebuilt = await rebuildPaths(state, cache)
    requests += rebuilt.requests
    return { held: rebuilt.held, segments }
  }

  function open(): Promise<Contents> {
    contents ??= read()
    return contents
  }

  return {
    open() {
      // who asks gets the error
      open().catch(() => undefined)
    },
    async whichAreHeld(paths) {
      const { held, segments } = await open()
      const compacted = held.lookup(paths.length)
      const isHeld = (hashPart: string): boolean =>
        !segments.gone.has(hashPart) && (segments.held.has(hashPart) || compacted.has(hashPart))
      return new Set(paths.filter((path) => isHeld(hashPartOf(path))))
    },
    note(path) {
      noted.add(hashPartOf(path))
    },
    async save() {
      const segments = (await contents)?.segments
      // What is gone stays gone until a compaction forgets it: saying otherwise would change nothing.
      const fresh = [...noted].filter((hashPart) => segments?.gone.has(hashPart) !== true)
      noted.clear()
      if (fresh.length > 0) {
        requests++
        await writeHeld(state, fresh)
      }
      if (segments !== undefined && isDue(segments.keys, now())) await compactIndex(state, cache, now())
    },
    requests: () => requests,
  }
}
