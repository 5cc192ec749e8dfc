import type { StorePath } from '../../nix/store-path.ts'
import type { Graph, System } from '../shared/contract.ts'
import { derivationOf } from '../shared/graph.ts'

/** Why a missing derivation is not built. */
export interface Obstacle {
  reason: string
  /** the derivations that are to blame: itself, or what it needs */
  blame: StorePath[]
}

/** What builders of a system offer. */
export interface Capabilities {
  systems: Set<System>
  /** features of `requiredSystemFeatures` that builders have */
  features: Set<string>
}

/**
 * What stands in the way of each missing derivation: it failed, no builder can build it, or it needs one that is not built. Those without
 * an obstacle can all be built.
 * @param failures what failed in this run, and why
 */
export function findObstacles(
  graph: Graph,
  missing: Set<StorePath>,
  failures: Map<StorePath, string>,
  capabilities: Capabilities,
): Map<StorePath, Obstacle> {
  const obstacles = new Map<StorePath, Obstacle | undefined>()
  const examine = (drvPath: StorePath): Obstacle | undefined => {
    if (obstacles.has(drvPath)) return obstacles.get(drvPath)
    obstacles.set(drvPath, undefined)
    const own = ownObstacle(graph, drvPath, failures.get(drvPath), capabilities)
    const obstacle = own === undefined ? inheritedObstacle(drvPath) : { reason: own, blame: [drvPath] }
    obstacles.set(drvPath, obstacle)
    return obstacle
  }
  const inheritedObstacle = (drvPath: StorePath): Obstacle | undefined => {
    const inputs = missingInputs(graph, missing, drvPath)
    const blame = new Set(inputs.flatMap((input) => examine(input)?.blame ?? []))
    return blame.size === 0 ? undefined : { reason: 'what it needs is not built', blame: [...blame] }
  }
  for (const drvPath of missing) examine(drvPath)
  return new Map(
    [...obstacles].flatMap(([drv, obstacle]) => (obstacle === undefined ? [] : [[drv, obstacle]])),
  )
}

/** The derivations among the missing that a derivation is built from. */
export function missingInputs(graph: Graph, missing: Set<StorePath>, drvPath: StorePath): StorePath[] {
  return (Object.keys(derivationOf(graph, drvPath, drvPath).inputDrvs) as StorePath[]).filter((input) =>
    missing.has(input),
  )
}

function ownObstacle(
  graph: Graph,
  drvPath: StorePath,
  failure: string | undefined,
  { systems, features }: Capabilities,
): string | undefined {
  const derivation = derivationOf(graph, drvPath, drvPath)
  if (failure !== undefined) return failure
  if (derivation.unsupported !== undefined) return derivation.unsupported
  // `builtin:fetchurl` and its kin have the system "builtin": any builder has them
  if (derivation.system !== 'builtin' && !systems.has(derivation.system))
    return `it is for ${derivation.system}, and there is no builder for that system`
  const lacking = derivation.requiredSystemFeatures.filter((feature) => !features.has(feature))
  return lacking.length === 0 ? undefined : `it requires ${lacking.join(', ')}, which no builder has`
}
