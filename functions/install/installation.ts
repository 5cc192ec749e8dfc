import { createHash } from 'node:crypto'
import { storedConfig } from '../shared/config.ts'
import { cacheKeys, stateKeys } from '../shared/keys.ts'
import { parseConfig } from '../shared/parse-config.ts'

export interface InstalledObject {
  bucket: string
  key: string
  body: string | Uint8Array
  contentType: string
}

/**
 * Priority 50: asked after cache.nixos.org (40), whose requests cost nothing; WantMassQuery, or Nix skips the cache when it asks for many
 * paths at once. Source: Nix, `BinaryCacheStore::init`; nix-facts D.1.
 */
const NIX_CACHE_INFO = 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 50\n'

/**
 * What a deployment puts into its buckets.
 * @param bundle the builder's zip
 * @param hearthYml the text of hearth.yml
 * @throws InvalidConfig
 */
export function installation(
  bundle: Uint8Array,
  hearthYml: string,
  buckets: { state: string; cache: string },
): { objects: InstalledObject[]; bundleKey: string } {
  const bundleKey = stateKeys.builderBundle(createHash('sha256').update(bundle).digest('hex'))
  const config = storedConfig(parseConfig(hearthYml))
  const body = JSON.stringify(config)
  const json = 'application/json'
  return {
    bundleKey,
    objects: [
      {
        bucket: buckets.cache,
        key: cacheKeys.info,
        body: NIX_CACHE_INFO,
        contentType: 'text/x-nix-cache-info',
      },
      { bucket: buckets.state, key: bundleKey, body: bundle, contentType: 'application/zip' },
      { bucket: buckets.state, key: stateKeys.config(config.sha256), body, contentType: json },
      { bucket: buckets.state, key: stateKeys.currentConfig, body, contentType: json },
    ],
  }
}
