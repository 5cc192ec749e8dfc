import type { StorePath } from '../../nix/store-path.ts'
import type { Graph } from '../shared/contract.ts'
import { chooseMakers, type Makers, makersOf } from './makers.ts'
import { inputsOf, type WantedOutput } from './warm-set.ts'

/** The derivations to build, and what was found on the way down. */
export interface Missing {
  /** derivations that make an output that is needed and that no cache has */
  derivations: Set<StorePath>
  /** outputs that are needed and that a cache has */
  held: Set<StorePath>
  makers: Makers
}

/**
 * Walks the graph from the wanted outputs downwards. An output in a cache is not opened further: its closure is there with it. A derivation
 * whose output is in no cache is missing, and the outputs it is built from are asked for in turn. So a cached fixed-output derivation needs
 * none of its inputs.
 * @param whichAreHeld asks the caches about many paths at once, level by level
 * @param hasObstacle whether something is in the way of building this very derivation, whatever it needs
 */
export async function findMissing(
  graph: Graph,
  wanted: WantedOutput[],
  whichAreHeld: (paths: StorePath[]) => Promise<Set<StorePath>>,
  hasObstacle: (drvPath: StorePath) => boolean,
): Promise<Missing> {
  const held = new Set<StorePath>()
  const asked = new Set<StorePath>()
  const opened = new Set<StorePath>()
  let level = wanted
  while (level.length > 0) {
    const fresh = new Set(level.flatMap(({ path }) => path ?? []).filter((path) => !asked.has(path)))
    for (const path of fresh) asked.add(path)
    for (const path of await whichAreHeld([...fresh])) held.add(path)
    const below: WantedOutput[] = []
    for (const { path, drvPath } of level) {
      if (opened.has(drvPath) || (path !== undefined && held.has(path))) continue
      opened.add(drvPath)
      below.push(...inputsOf(graph, drvPath))
    }
    level = below
  }
  const makers = chooseMakers(graph, opened, held, hasObstacle)
  return { held, makers, derivations: neededMakers(graph, wanted, held, makers) }
}

/** Those that are chosen, and what they are built from; the others that own the same paths are not needed, nor are their inputs. */
function neededMakers(
  graph: Graph,
  wanted: WantedOutput[],
  held: Set<StorePath>,
  makers: Makers,
): Set<StorePath> {
  const needed = new Set<StorePath>()
  const rest = makersOf(graph, { held, makers }, wanted)
  for (let drvPath = rest.pop(); drvPath !== undefined; drvPath = rest.pop()) {
    if (needed.has(drvPath)) continue
    needed.add(drvPath)
    rest.push(...makersOf(graph, { held, makers }, inputsOf(graph, drvPath)))
  }
  return needed
}
