import { HeadObjectCommand } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { type NarInfo, parseNarInfo } from '../../nix/narinfo.ts'
import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import type { CacheIndex } from './cache-index/cache-index.ts'
import type { Upstream } from './contract.ts'
import { cacheKeys } from './keys.ts'
import { type Bucket, findObject, isMissing } from './objects.ts'
import { findInUpstream } from './upstream.ts'
import type { KnownPath, UpstreamMemory } from './upstream-memory.ts'

/** Where a client would find a path: in our cache, or in the upstream with this URL. */
export interface Held {
  info: KnownPath
  where: 'cache' | { upstream: string }
}

/** How many requests were made, by what was asked. */
export interface Requests {
  /** for the index of our cache, listings of the cache among them */
  index: number
  /** for what upstreams are remembered to have */
  memory: number
  /** for a narinfo of our cache */
  cache: number
  /** for a narinfo of an upstream; one that does not answer is asked again, which is not counted */
  upstreams: number
}

export interface Caches {
  /** What a client finds, our cache asked first; undefined when it would have to build. Positive answers are kept, negative ones never. */
  find(path: StorePath): Promise<Held | undefined>
  /** What `find` has found before, without waiting: closures of small derivations are walked by the thousand. */
  known(path: StorePath): Held | undefined
  /** Tells what was just published, so that nobody has to ask. */
  add(info: KnownPath): void
}

/** Caches with what is remembered of them. */
export interface OpenCaches extends Caches {
  /**
   * Which of these a client finds somewhere. What the index and the memory know costs no request; of the rest the upstreams are asked first, because our cache
   * has hardly ever what the index lacks.
   * @param paths that are proved: recomputed from a derivation, or from a source's contents
   * @throws UpstreamUnavailable when that matters
   */
  whichAreHeld(paths: StorePath[]): Promise<Set<StorePath>>
  /** Writes down what was learnt, in the memory and in the index. */
  save(): Promise<void>
  requests(): Requests
}

// 1 MiB: a narinfo of 10,000 references has 600 kB.
const NARINFO_LIMIT = 1024 * 1024

/** The narinfo that clients see in our own cache. */
export async function findInCache(cache: Bucket, path: StorePath): Promise<NarInfo | undefined> {
  const found = await findObject(cache, cacheKeys.narinfo(hashPartOf(path)), NARINFO_LIMIT)
  if (found === undefined) return undefined
  const info = parseNarInfo(Buffer.from(found.bytes).toString('utf8'))
  return info.storePath === path ? info : undefined
}

/** Whether clients see a narinfo of this path, which must be proved: nobody looks into the narinfo. */
async function isInCache(cache: Bucket, path: StorePath): Promise<boolean> {
  const Key = cacheKeys.narinfo(hashPartOf(path))
  try {
    await cache.s3.send(new HeadObjectCommand({ Bucket: cache.name, Key }))
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

// 64 requests at once: measured twice as fast as 25, Nix's default, against 20 ms of latency; more gains little (nix-facts section 5).
const REQUESTS = 64

/**
 * All caches that a client uses, as one.
 * @param memory what upstreams have answered before, in other functions and other runs
 * @param index what our cache holds, as far as others wrote it down
 */
export function openCaches(
  cache: Bucket,
  upstreams: Upstream[],
  memory?: UpstreamMemory,
  index?: CacheIndex,
): OpenCaches {
  const found = keepFound<Held>()
  const held = keepFound<true>()
  const limit = pLimit(REQUESTS)
  const made = { cache: 0, upstreams: 0 }

  async function askUpstream(upstream: Upstream, path: StorePath): Promise<NarInfo | undefined> {
    made.upstreams++
    const info = await findInUpstream(upstream, path)
    if (info !== undefined) memory?.note(upstream, info)
    return info
  }

  async function find(path: StorePath): Promise<Held | undefined> {
    made.cache++
    const own = await findInCache(cache, path)
    if (own !== undefined) return { info: own, where: 'cache' }
    for (const upstream of upstreams) {
      const info = (await memory?.recall(upstream, path)) ?? (await askUpstream(upstream, path))
      if (info !== undefined) return { info, where: { upstream: upstream.url } }
    }
    return undefined
  }

  async function isRemembered(path: StorePath): Promise<boolean> {
    for (const upstream of upstreams) if ((await memory?.recall(upstream, path)) !== undefined) return true
    return false
  }

  async function ask(path: StorePath): Promise<true | undefined> {
    let failure: unknown
    try {
      for (const upstream of upstreams) if ((await askUpstream(upstream, path)) !== undefined) return true
    } catch (error) {
      failure = error
    }
    made.cache++
    if (await isInCache(cache, path)) {
      // somebody published it and died, or has not come to saying so
      index?.note(path)
      return true
    }
    if (failure !== undefined) throw failure
    return undefined
  }

  async function isElsewhere(path: StorePath): Promise<boolean> {
    if (await isRemembered(path)) return true
    return (await held.keep(path, async () => limit(ask, path))) !== undefined
  }

  return {
    find: async (path) => found.keep(path, async () => limit(find, path)),
    known: (path) => found.settled(path),
    async whichAreHeld(paths) {
      const known = (await index?.whichAreHeld(paths)) ?? new Set<StorePath>()
      const rest = paths.filter((path) => !known.has(path))
      const are = await Promise.all(rest.map(isElsewhere))
      for (const [position, path] of rest.entries()) if (are[position]) known.add(path)
      return known
    },
    add(info) {
      found.set(info.storePath, { info, where: 'cache' })
      held.set(info.storePath, true)
      index?.note(info.storePath)
    },
    async save() {
      await Promise.all([memory?.save(), index?.save()])
    },
    requests: () => ({ index: index?.requests() ?? 0, memory: memory?.requests() ?? 0, ...made }),
  }
}

/** Keeps what was found, and what is being asked; a failure or a miss is no lasting answer: the path may be published a moment later. */
function keepFound<Answer>() {
  const answers = new Map<StorePath, Promise<Answer | undefined>>()
  const settled = new Map<StorePath, Answer>()
  return {
    settled: (path: StorePath): Answer | undefined => settled.get(path),
    async keep(path: StorePath, ask: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
      const known = answers.get(path)
      if (known !== undefined) return known
      const asked = ask()
      answers.set(path, asked)
      let answer: Answer | undefined
      try {
        answer = await asked
        return answer
      } finally {
        if (answer === undefined) {
          if (answers.get(path) === asked) answers.delete(path)
        } else if (!settled.has(path)) settled.set(path, answer)
      }
    },
    set(path: StorePath, answer: Answer): void {
      answers.set(path, Promise.resolve(answer))
      settled.set(path, answer)
    },
  }
}
