import pLimit from 'p-limit'
import { findInCache } from '../../functions/shared/caches.ts'
import type { Bucket } from '../../functions/shared/objects.ts'
import { findInUpstream } from '../../functions/shared/upstream.ts'
import type { Upstream } from '../../functions/shared/contract.ts'
import type { StorePath } from '../../nix/store-path.ts'
import type { PathInfo } from '../machine/registration.ts'

// as many as the bridge's SDK opens to S3
const REQUESTS = 50

/**
 * Which content caches have under a store path, as far as this machine has learnt it. What it has built itself may be in its store with other bytes than
 * those that were published: then clients have others, and it must not be built upon.
 */
export class KnownPaths {
  readonly #hashes = new Map<StorePath, string>()

  /** Tells what was just fetched: Nix has checked it. */
  add({ path, narHash }: PathInfo): void {
    this.#hashes.set(path, narHash)
  }

  isKnown({ path, narHash }: PathInfo): boolean {
    return this.#hashes.get(path) === narHash
  }

  /**
   * NarHash of each path in our cache or else in an upstream; those that neither has are left out. Asks only for what is not known yet.
   * @throws UpstreamUnavailable when that cannot be told
   */
  async find(paths: StorePath[], cache: Bucket, upstreams: Upstream[]): Promise<Map<StorePath, string>> {
    const ask = async (path: StorePath): Promise<string | undefined> => {
      const own = await findInCache(cache, path)
      if (own !== undefined) return own.narHash
      for (const upstream of upstreams) {
        const info = await findInUpstream(upstream, path)
        if (info !== undefined) return info.narHash
      }
      return undefined
    }
    const unknown = paths.filter((path) => !this.#hashes.has(path))
    await pLimit(REQUESTS).map(unknown, async (path) => {
      const narHash = await ask(path)
      if (narHash !== undefined) this.#hashes.set(path, narHash)
    })
    return new Map(paths.flatMap((path) => entry(path, this.#hashes.get(path))))
  }
}

function entry(path: StorePath, narHash: string | undefined): [StorePath, string][] {
  return narHash === undefined ? [] : [[path, narHash]]
}
