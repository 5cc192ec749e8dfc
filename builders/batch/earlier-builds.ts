import type { Upstream } from '../../functions/shared/contract.ts'
import type { Bucket } from '../../functions/shared/objects.ts'
import type { StorePath } from '../../nix/store-path.ts'
import type { LocalStore } from '../machine/local-store.ts'
import type { PlannedDerivation } from './batch.ts'
import type { KnownPaths } from './known-paths.ts'

/** NarHash of every path in a closure. */
export type Content = Record<StorePath, string>

/** What this machine has built, and on which inputs. */
export class EarlierBuilds {
  readonly #inputs = new Map<StorePath, Promise<Content>>()

  /** Notes, when a derivation is built, what it was built on. */
  add(derivation: PlannedDerivation, store: LocalStore): void {
    const inputs = inputsNow(derivation, store)
    // whoever asks for it sees why it failed
    inputs.catch(() => undefined)
    this.#inputs.set(derivation.drvPath, inputs)
  }

  /** What a derivation was built on; undefined when it was not built here, as far as is known. */
  async inputsOf(drvPath: StorePath): Promise<Content | undefined> {
    return this.#inputs.get(drvPath)
  }

  /**
   * Which derivations of a batch need not be built: this machine has built them, on what clients have or on what needs not be built itself. The outputs of all others
   * are deleted where they are in the store: Nix would take them for built, and nobody knows on what.
   */
  async takeUp(
    batch: PlannedDerivation[],
    store: LocalStore,
    known: KnownPaths,
    cache: Bucket,
    upstreams: Upstream[],
  ): Promise<Set<PlannedDerivation>> {
    const invalid = await store.invalid(batch.flatMap(({ outputs }) => outputs))
    const byPath = new Map(batch.map((derivation) => [derivation.drvPath, derivation]))
    const makers = new Map(
      batch.flatMap((derivation) => derivation.outputs.map((path) => [path, derivation] as const)),
    )
    const decided = new Map<PlannedDerivation, Promise<boolean>>()
    const isUsable = (derivation: PlannedDerivation): Promise<boolean> => {
      const before = decided.get(derivation)
      if (before !== undefined) return before
      const deciding = decide(derivation)
      decided.set(derivation, deciding)
      return deciding
    }
    const decide = async (derivation: PlannedDerivation): Promise<boolean> => {
      if (derivation.outputs.some((path) => invalid.has(path))) return false
      const inputs = await this.inputsOf(derivation.drvPath)
      if (inputs === undefined) return false
      const needs = derivation.needs.flatMap((path) => byPath.get(path) ?? [])
      if ((await Promise.all(needs.map(isUsable))).includes(false)) return false
      const paths = Object.keys(inputs) as StorePath[]
      const ownInputs = paths.filter((path) => makers.has(path))
      if (ownInputs.some((path) => invalid.has(path))) return false
      for (const { path, narHash } of await store.infos(ownInputs)) if (narHash !== inputs[path]) return false
      const fromCaches = paths.filter((path) => !makers.has(path))
      const hashes = await known.find(fromCaches, cache, upstreams)
      for (const path of fromCaches) {
        const published = hashes.get(path)
        if (published === undefined ? !(await store.isSource(path)) : published !== inputs[path]) return false
      }
      return true
    }
    const usable = new Set<PlannedDerivation>()
    for (const derivation of batch) if (await isUsable(derivation)) usable.add(derivation)
    const leftovers = batch
      .filter((derivation) => !usable.has(derivation))
      .flatMap(({ outputs }) => outputs.filter((path) => !invalid.has(path)))
    await store.delete(leftovers)
    return usable
  }
}

async function inputsNow(derivation: PlannedDerivation, store: LocalStore): Promise<Content> {
  const inputs = await store.closure([...derivation.inputOutputs, ...derivation.sources])
  return Object.fromEntries(inputs.map(({ path, narHash }) => [path, narHash] as const))
}
