import type { StorePath } from '../../nix/store-path.ts'
import type { Graph } from '../shared/contract.ts'
import { derivationOf, entries } from '../shared/graph.ts'
import type { WantedOutput } from './warm-set.ts'

/** The derivations to build, and what was found on the way down. */
export interface Missing {
  /** derivations of which an output that is needed is in no cache */
  derivations: Set<StorePath>
  /** outputs that are needed and that a cache has */
  held: Set<StorePath>
}

/**
 * Walks the graph from the wanted outputs downwards. An output in a cache is not opened further: its closure is there with it. A derivation
 * whose output is in no cache is missing, and the outputs it is built from are asked for in turn. So a cached fixed-output derivation needs
 * none of its inputs.
 * @param isHeld asks the caches about many paths at once, level by level
 */
export async function findMissing(
  graph: Graph,
  wanted: WantedOutput[],
  whichAreHeld: (paths: StorePath[]) => Promise<Set<StorePath>>,
): Promise<Missing> {
  const missing: Missing = { derivations: new Set(), held: new Set() }
  const asked = new Set<StorePath>()
  let level = wanted
  while (level.length > 0) {
    const fresh = level.filter(({ path }) => !asked.has(path))
    for (const { path } of fresh) asked.add(path)
    const held = await whichAreHeld([...new Set(fresh.map(({ path }) => path))])
    for (const path of held) missing.held.add(path)
    level = []
    for (const { path, drvPath } of fresh) {
      if (held.has(path) || missing.derivations.has(drvPath)) continue
      missing.derivations.add(drvPath)
      for (const [input, outputs] of entries(derivationOf(graph, drvPath, drvPath).inputDrvs))
        level.push(...outputsOf(graph, input, outputs, drvPath))
    }
  }
  return missing
}

function outputsOf(graph: Graph, drvPath: StorePath, outputs: string[], neededBy: string): WantedOutput[] {
  const derivation = derivationOf(graph, drvPath, neededBy)
  return outputs.flatMap((output) => {
    const path = derivation.outputs[output]
    return path === undefined ? [] : [{ drvPath, output, path }]
  })
}
