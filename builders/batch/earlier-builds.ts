import type { StorePath } from '../../nix/store-path.ts'
import type { LocalStore, StoreUse } from '../machine/local-store.ts'
import type { PlannedDerivation } from './batch.ts'

/** NarHash of every path in a closure. */
export type Content = Record<StorePath, string>

/** What this machine has built, and on which inputs. */
export class EarlierBuilds {
  readonly #inputs = new Map<StorePath, Promise<Content>>()

  /** Notes, when a derivation is built, what it was built on. */
  add(derivation: PlannedDerivation, store: LocalStore): void {
    const inputs = inputsNow(derivation, store)
    this.#inputs.set(derivation.drvPath, inputs)
    // What is broken off here must not break a later batch: then nobody knows on what it was built.
    inputs.catch(() => {
      if (this.#inputs.get(derivation.drvPath) === inputs) this.#inputs.delete(derivation.drvPath)
    })
  }

  /** What a derivation was built on; undefined when it was not built here, as far as is known. */
  async inputsOf(drvPath: StorePath): Promise<Content | undefined> {
    return this.#inputs.get(drvPath)
  }

  /**
   * Which derivations of a batch need not be built: this machine has built them, on what clients have or on what needs not be built itself. The outputs of all others
   * are deleted where they are in the store: Nix would take them for built, and nobody knows on what.
   * @param use what must not be deleted
   * @returns also the outputs that stay, although nobody knows on what they were built
   */
  async takeUp(
    batch: PlannedDerivation[],
    store: LocalStore,
    published: (paths: StorePath[]) => Promise<Map<StorePath, string>>,
    use: StoreUse,
  ): Promise<{ usable: Set<PlannedDerivation>; kept: Set<StorePath> }> {
    const outputs = batch.flatMap((derivation) => derivation.outputs)
    const sources = [...new Set(batch.flatMap((derivation) => derivation.sources))]
    await store.preload(sources)
    const world: World = {
      store,
      published,
      byPath: new Map(batch.map((derivation) => [derivation.drvPath, derivation])),
      outputs: new Set(outputs),
      invalid: await store.invalid(outputs),
      sources: new Set((await store.closure(sources)).map(({ path }) => path)),
    }
    const decided = new Map<StorePath, Promise<boolean>>()
    const isUsable = async (derivation: PlannedDerivation): Promise<boolean> => {
      const before = decided.get(derivation.drvPath)
      if (before !== undefined) return before
      const deciding = this.#decide(derivation, world, isUsable)
      decided.set(derivation.drvPath, deciding)
      return deciding
    }
    const usable = new Set<PlannedDerivation>()
    for (const derivation of batch) if (await isUsable(derivation)) usable.add(derivation)
    const others = batch.filter((derivation) => !usable.has(derivation))
    const unsure = others.flatMap(({ outputs }) => outputs.filter((path) => !world.invalid.has(path)))
    return { usable, kept: await store.delete(unsure, use) }
  }

  async #decide(
    derivation: PlannedDerivation,
    { store, published, byPath, outputs, invalid, sources }: World,
    isUsable: (derivation: PlannedDerivation) => Promise<boolean>,
  ): Promise<boolean> {
    if (derivation.outputs.some((path) => invalid.has(path))) return false
    const inputs = await this.inputsOf(derivation.drvPath)
    if (inputs === undefined) return false
    const needs = derivation.needs.flatMap((path) => byPath.get(path) ?? [])
    if ((await Promise.all(needs.map(isUsable))).includes(false)) return false
    const paths = (Object.keys(inputs) as StorePath[]).filter((path) => !sources.has(path))
    const fromBatch = paths.filter((path) => outputs.has(path))
    if (fromBatch.some((path) => invalid.has(path))) return false
    const hashes = await published(paths.filter((path) => !outputs.has(path)))
    for (const { path, narHash } of await store.infos(fromBatch)) hashes.set(path, narHash)
    return paths.every((path) => hashes.get(path) === inputs[path])
  }
}

/** What is asked again and again while a batch is looked at. */
interface World {
  store: LocalStore
  /** NarHash of those of the paths that caches have */
  published: (paths: StorePath[]) => Promise<Map<StorePath, string>>
  byPath: Map<StorePath, PlannedDerivation>
  /** of the whole batch */
  outputs: Set<StorePath>
  /** those that are not in the store */
  invalid: Set<StorePath>
  /** closure of the batch's sources: what they hold is what their paths say */
  sources: Set<StorePath>
}

async function inputsNow(derivation: PlannedDerivation, store: LocalStore): Promise<Content> {
  const inputs = await store.closure([...derivation.inputOutputs, ...derivation.sources])
  return Object.fromEntries(inputs.map(({ path, narHash }) => [path, narHash] as const))
}
