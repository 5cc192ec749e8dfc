import { InvalidNarInfo, type NarInfo, parseNarInfo } from '../../nix/narinfo.ts'
import { hashPartOf } from '../../nix/store-path.ts'
import type { Upstream } from '../shared/contract.ts'
import { cacheKeys } from '../shared/keys.ts'
import { type Bucket, findObject, ObjectTooLarge } from '../shared/objects.ts'
import { isPassing } from '../shared/passing-error.ts'
import { OUR_CACHE, type PathFact } from '../shared/path-facts/fact.ts'
import { findNarInfo, UpstreamUnavailable } from '../shared/upstream.ts'

/** What asking about a path gave: `missing` when no cache has it, `unknown` when one that would be preferred did not answer. */
export type Answer = FoundPath | 'missing' | 'unknown'

export interface FoundPath extends Omit<PathFact, 'day'> {
  /** since when our cache shows it, milliseconds since 1970; an upstream does not say. A narinfo that is signed anew is a new one, too. */
  shownSince?: number
}

/** What a cache shows, and what S3 says of that. */
interface Shown {
  info: NarInfo
  shownSince?: number
}

/** All caches that a laptop uses, to be asked where paths are. */
export interface Sources {
  /**
   * In the order in which a Nix client prefers them: by priority, and of equal ones in their own order. hearth.yml does not say which priority an upstream has; 40 is
   * cache.nixos.org's, and ours is 50 (`functions/install/installation.ts`), so ours comes last.
   */
  order: string[]
  /** @param wasBuilt whether this run built it: then Plan has asked the upstreams before, and none had it */
  ask(hashPart: string, wasBuilt: boolean): Promise<Answer>
  /** requests made so far; a cache that does not answer is asked again, which is not counted */
  requests(): number
}

// 1 MiB: a narinfo of 10,000 references has 600 kB.
const NARINFO_LIMIT = 1024 * 1024
// Each is three tries of 20 s: a cache that has failed three paths is not asked any more in this run.
const MOST_FAILURES = 3

/** @param warn is told why a cache could not be asked */
export function openSources(cache: Bucket, upstreams: Upstream[], warn: (message: string) => void): Sources {
  const finders: [source: string, find: (hashPart: string) => Promise<Shown | undefined>][] = [
    ...upstreams.map((upstream): (typeof finders)[number] => [
      upstream.url,
      async (hashPart) => findTheirs(upstream, hashPart),
    ]),
    [OUR_CACHE, async (hashPart) => findOurs(cache, hashPart)],
  ]
  const order = finders.map(([source]) => source)
  // one list for all paths that are in the same cache
  const askedUpTo = order.map((_, place) => order.slice(0, place + 1))
  const failures = new Map<string, number>()
  let requests = 0

  async function find(
    [source, ask]: (typeof finders)[number],
    hashPart: string,
  ): Promise<Shown | 'missing' | 'unknown'> {
    const before = failures.get(source) ?? 0
    if (before >= MOST_FAILURES) return 'unknown'
    requests++
    try {
      const shown = await ask(hashPart)
      // a narinfo is looked up by hash alone, and whoever answers may answer anything
      return shown !== undefined && hashPartOf(shown.info.storePath) === hashPart ? shown : 'missing'
    } catch (error) {
      if (!isNoAnswer(error)) throw error
      const now = (failures.get(source) ?? 0) + 1
      failures.set(source, now)
      if (now <= MOST_FAILURES) warn(`where ${hashPart} is, ${source} does not say: ${error.message}`)
      return 'unknown'
    }
  }

  return {
    order,
    async ask(hashPart, wasBuilt) {
      for (const [place, finder] of finders.entries()) {
        if (wasBuilt && finder[0] !== OUR_CACHE) continue
        const answer = await find(finder, hashPart)
        if (answer === 'unknown') return 'unknown'
        if (answer === 'missing') continue
        const { info, ...shown } = answer
        return {
          asked: askedUpTo[place] ?? order,
          fileSize: info.fileSize ?? info.narSize,
          references: info.references.map(hashPartOf).filter((reference) => reference !== hashPart),
          ...shown,
        }
      }
      return 'missing'
    },
    requests: () => requests,
  }
}

async function findTheirs(upstream: Upstream, hashPart: string): Promise<Shown | undefined> {
  const info = await findNarInfo(upstream, hashPart)
  return info === undefined ? undefined : { info }
}

async function findOurs(cache: Bucket, hashPart: string): Promise<Shown | undefined> {
  const found = await findObject(cache, cacheKeys.narinfo(hashPart), NARINFO_LIMIT)
  if (found === undefined) return undefined
  const info = parseNarInfo(Buffer.from(found.bytes).toString('utf8'))
  return { info, shownSince: found.lastModified.getTime() }
}

/** Whether a cache, or the way to it, is to blame, rather than we: `hearth verify` tells more about a narinfo of ours that is none. */
function isNoAnswer(error: unknown): error is Error {
  return (
    error instanceof UpstreamUnavailable ||
    error instanceof InvalidNarInfo ||
    error instanceof ObjectTooLarge ||
    isPassing(error)
  )
}
