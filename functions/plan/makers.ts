import type { StorePath } from '../../nix/store-path.ts'
import type { Graph, System } from '../shared/contract.ts'
import { derivationOf } from '../shared/graph.ts'
import { inputsFirst } from './inputs-first.ts'
import { inputsOf, type WantedOutput } from './warm-set.ts'

/**
 * For each system and output the one derivation that is to make it. Different derivations can own the same path, such as a source that is
 * fetched with two versions of curl: one of them is built. Each system has its own, because waiting for another system's batch costs more than
 * a download.
 */
export type Makers = Map<System, Map<StorePath, StorePath>>

/**
 * Of several derivations that own a path the first that can be built, inputs before what needs them, so that none waits for itself: nixpkgs
 * fetches the source of curl twice, and the second time with the curl that was built from it.
 */
export function chooseMakers(
  graph: Graph,
  opened: Set<StorePath>,
  held: Set<StorePath>,
  hasObstacle: (drvPath: StorePath) => boolean,
): Makers {
  const able: Makers = new Map()
  const unable: Makers = new Map()
  const openedInputs = (drvPath: StorePath): StorePath[] =>
    inputsOf(graph, drvPath)
      .map((input) => input.drvPath)
      .filter((input) => opened.has(input))
  for (const drvPath of inputsFirst(opened, openedInputs)) {
    const { system, outputs } = derivationOf(graph, drvPath, drvPath)
    const haveCome = inputsOf(graph, drvPath).every((input) => isHeldOrMade(graph, input, held, able))
    const makers = haveCome && !hasObstacle(drvPath) ? able : unable
    const ofSystem = makers.get(system) ?? new Map<StorePath, StorePath>()
    makers.set(system, ofSystem)
    for (const path of Object.values(outputs)) if (!ofSystem.has(path)) ofSystem.set(path, drvPath)
  }
  const systems = new Set([...able.keys(), ...unable.keys()])
  return new Map(
    [...systems].map((system) => [
      system,
      new Map([...(unable.get(system) ?? []), ...(able.get(system) ?? [])]),
    ]),
  )
}

/** The derivations that make those of some outputs that no cache has. */
export function makersOf(
  graph: Graph,
  { held, makers }: { held: Set<StorePath>; makers: Makers },
  outputs: readonly WantedOutput[],
): StorePath[] {
  return outputs.flatMap(({ path, drvPath }) => {
    if (path === undefined) return [drvPath]
    return held.has(path) ? [] : (makers.get(derivationOf(graph, drvPath, drvPath).system)?.get(path) ?? [])
  })
}

function isHeldOrMade(
  graph: Graph,
  { path, drvPath }: WantedOutput,
  held: Set<StorePath>,
  makers: Makers,
): boolean {
  if (path === undefined) return false
  return held.has(path) || makers.get(derivationOf(graph, drvPath, drvPath).system)?.has(path) === true
}
