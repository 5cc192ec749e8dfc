import type { S3Client } from '@aws-sdk/client-s3'
import type { Upstream } from '../../functions/shared/contract.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { substitute } from '../batch/substitute.ts'
import { type Bridge, startBridge } from '../bridge.ts'
import { LocalStore } from '../machine/local-store.ts'

/** Where an evaluation may fetch what it imports. */
export interface ImportSettings {
  s3: S3Client
  cacheBucket: string
  publicKeys: string[]
  upstreams: Upstream[]
  environment: Record<string, string>
  say: (line: string) => void
}

/**
 * Fetches outputs that evaluations import from our cache and the upstreams. It asks for output paths, never for derivations: of a derivation with
 * `allowSubstitutes = false` Nix would fetch nothing and want to build it, however often it was published.
 */
export class ImportCaches {
  readonly #settings: ImportSettings
  readonly #fetched = new Map<StorePath, Promise<boolean>>()
  #bridge: Promise<Bridge> | undefined

  constructor(settings: ImportSettings) {
    this.#settings = settings
  }

  /** @returns whether it is in the store now; if not, no cache has it with a signature that is trusted */
  async fetch(path: StorePath): Promise<boolean> {
    const fetched = this.#fetched.get(path) ?? this.#fetch(path)
    this.#fetched.set(path, fetched)
    return fetched
  }

  async close(): Promise<void> {
    const bridge = await this.#bridge
    await bridge?.close()
  }

  async #fetch(path: StorePath): Promise<boolean> {
    const { s3, cacheBucket, publicKeys, upstreams, environment, say } = this.#settings
    const isThere = async (): Promise<boolean> =>
      (await new LocalStore(environment).invalid([path])).size === 0
    if (await isThere()) return true
    this.#bridge ??= startBridge({ s3, bucket: cacheBucket })
    const { url } = await this.#bridge
    await substitute([path], { bridge: url, publicKeys, upstreams }, environment, say)
    return isThere()
  }
}
