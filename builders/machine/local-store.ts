import { isStorePath, type StorePath } from '../../nix/store-path.ts'
import { NixFailed } from './errors.ts'
import { nix, portions } from './nix-command.ts'
import { parseRegistrations, type PathInfo } from './registration.ts'

/** What of the store must stay as it is. */
export interface StoreUse {
  inUse: ReadonlySet<StorePath>
  /** ends what uses anything else */
  letGo: () => Promise<void>
}

interface Waiting {
  paths: StorePath[]
  resolve: () => void
  reject: (error: unknown) => void
}

/** The Nix store of this machine. What it says of a path is remembered: a valid path does not change. */
export class LocalStore {
  readonly #environment: Record<string, string>
  readonly #infos = new Map<StorePath, PathInfo>()
  /** who waits for infos while somebody else's are read */
  #waiting: Waiting[] = []
  #isReading = false

  constructor(environment: Record<string, string>) {
    this.#environment = environment
  }

  /** Those of the paths that are not valid. */
  async invalid(paths: StorePath[]): Promise<Set<StorePath>> {
    const invalid = new Set<StorePath>()
    for (const portion of portions(paths)) {
      const listed = await this.#nixStore(['--check-validity', '--print-invalid', ...portion])
      for (const line of listed.split('\n')) if (isStorePath(line)) invalid.add(line)
    }
    return invalid
  }

  /**
   * What Nix knows of paths, all of which are valid.
   * @throws NixFailed when one is not
   */
  async infos(paths: StorePath[]): Promise<PathInfo[]> {
    const unknown = [...new Set(paths)].filter((path) => !this.#infos.has(path))
    if (unknown.length > 0) await this.#learn(unknown)
    return paths.map((path) => {
      const info = this.#infos.get(path)
      if (info === undefined) throw new NixFailed(`nix-store --dump-db says nothing of ${path}`)
      return info
    })
  }

  /** The paths and everything they refer to, directly or not. */
  async closure(paths: StorePath[]): Promise<PathInfo[]> {
    const seen = new Set(paths)
    const closure: PathInfo[] = []
    for (let level = [...seen]; level.length > 0;) {
      const infos = await this.infos(level)
      closure.push(...infos)
      const references = infos.flatMap((info) => info.references)
      level = [...new Set(references)].filter((path) => !seen.has(path))
      for (const path of level) seen.add(path)
    }
    return closure
  }

  /** Learns of a whole closure with two processes, where `closure` alone would take one for each level of it. */
  async preload(paths: StorePath[]): Promise<void> {
    for (const portion of portions(paths)) {
      const listed = await this.#nixStore(['--query', '--requisites', ...portion])
      await this.infos(listed.split('\n').filter(isStorePath))
    }
  }

  /**
   * Deletes paths, and everything that refers to them, from the store; not what somebody uses.
   * @returns what stays, with everything that refers to it
   */
  async delete(paths: StorePath[], { inUse, letGo }: StoreUse): Promise<Set<StorePath>> {
    const kept = new Set<StorePath>()
    if (paths.length === 0) return kept
    await letGo()
    for (const portion of portions(paths)) {
      const doomed = await this.#referrers(portion)
      // Of an earlier portion they may be gone already.
      if (doomed.length === 0) continue
      const isUsed = doomed.some((path) => inUse.has(path))
      for (const path of isUsed ? portion : []) {
        const referrers = await this.#referrers([path])
        if (referrers.some((referrer) => inUse.has(referrer))) for (const stays of referrers) kept.add(stays)
      }
      const gone = doomed.filter((path) => !kept.has(path))
      for (const stays of await this.#tryDelete(gone)) kept.add(stays)
      for (const path of gone) this.#infos.delete(path)
    }
    return kept
  }

  /** @returns what Nix keeps: something else uses it */
  async #tryDelete(paths: StorePath[]): Promise<StorePath[]> {
    if (paths.length === 0) return []
    try {
      await this.#nixStore(['--delete', ...paths])
      return []
    } catch (error) {
      if (!(error instanceof NixFailed)) throw error
      const invalid = await this.invalid(paths)
      return this.#referrers(paths.filter((path) => !invalid.has(path)))
    }
  }

  async #referrers(paths: StorePath[]): Promise<StorePath[]> {
    if (paths.length === 0) return []
    const listed = await this.#nixStore(['--query', '--referrers-closure', ...paths])
    return listed.split('\n').filter(isStorePath)
  }

  /** Whether a derivation of the store has this path as its source. */
  async isSource(path: StorePath): Promise<boolean> {
    const referrers = await this.#nixStore(['--query', '--referrers', path])
    return referrers.split('\n').some((referrer) => referrer.endsWith('.drv'))
  }

  /** A process takes 15 ms, however many paths it is asked about: what is wanted while one runs is asked of the next, all together. */
  async #learn(paths: StorePath[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ paths, resolve, reject })
    if (this.#isReading) return promise
    this.#isReading = true
    while (this.#waiting.length > 0) await this.#answer(this.#waiting.splice(0))
    this.#isReading = false
    return promise
  }

  async #answer(together: Waiting[]): Promise<void> {
    try {
      await this.#read(together.flatMap(({ paths }) => paths))
      for (const { resolve } of together) resolve()
    } catch (error) {
      if (together.length === 1) for (const { reject } of together) reject(error)
      // One path that is not valid fails the process; it must fail nobody else.
      else for (const one of together) await this.#answer([one])
    }
  }

  async #read(paths: StorePath[]): Promise<void> {
    // Somebody else's question may have been about the same.
    const unknown = [...new Set(paths)].filter((path) => !this.#infos.has(path))
    for (const portion of portions(unknown)) {
      const registrations = await this.#nixStore(['--dump-db', ...portion])
      for (const info of parseRegistrations(registrations)) this.#infos.set(info.path, info)
    }
  }

  async #nixStore(args: string[]): Promise<string> {
    return nix('nix-store', args, this.#environment)
  }
}
