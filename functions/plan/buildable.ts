import type { StorePath } from '../../nix/store-path.ts'
import type { Graph, System } from '../shared/contract.ts'
import { derivationOf } from '../shared/graph.ts'
import { inputsFirst } from './inputs-first.ts'
import { makersOf } from './makers.ts'
import type { Missing } from './missing.ts'
import { inputsOf } from './warm-set.ts'

/** Why a missing derivation is not built. */
export interface Obstacle {
  reason: string
  /** the derivations that are to blame: itself, or what it needs */
  blame: StorePath[]
}

/** The systems that have builders, each with the features of `requiredSystemFeatures` that they offer, or why there are none. */
export type Capabilities = Map<System, Set<string> | string>

/** The systems whose machines can be counted on. */
export function systemsWithMachines(capabilities: Capabilities): System[] {
  return [...capabilities].flatMap(([system, features]) => (typeof features === 'string' ? [] : [system]))
}

/**
 * What stands in the way of each missing derivation: it failed, no builder can build it, or it needs one that is not built. Those without
 * an obstacle can all be built.
 * @param ownObstacle why this very derivation is not built, whatever it needs
 */
export function findObstacles(
  graph: Graph,
  missing: Missing,
  ownObstacle: (drvPath: StorePath) => string | undefined,
): Map<StorePath, Obstacle> {
  const obstacles = new Map<StorePath, Obstacle>()
  const inputs = (drvPath: StorePath): StorePath[] => missingInputs(graph, missing, drvPath)
  for (const drvPath of inputsFirst(missing.derivations, inputs)) {
    const reason = ownObstacle(drvPath)
    const inherited = new Set(inputs(drvPath).flatMap((input) => obstacles.get(input)?.blame ?? []))
    if (reason !== undefined) obstacles.set(drvPath, { reason, blame: [drvPath] })
    else if (inherited.size > 0)
      obstacles.set(drvPath, { reason: 'what it needs is not built', blame: [...inherited] })
  }
  return obstacles
}

/** The derivations that make what a derivation is built from, as far as no cache has it. */
export function missingInputs(graph: Graph, missing: Missing, drvPath: StorePath): StorePath[] {
  return [...new Set(makersOf(graph, missing, inputsOf(graph, drvPath)))]
}

/**
 * Why a derivation is not built, whatever it needs; undefined when nothing is in its own way.
 * @param failure why it failed in this run
 */
export function ownObstacle(
  graph: Graph,
  drvPath: StorePath,
  failure: string | undefined,
  capabilities: Capabilities,
): string | undefined {
  const { system, unsupported, requiredSystemFeatures } = derivationOf(graph, drvPath, drvPath)
  if (failure !== undefined) return failure
  if (unsupported !== undefined) return unsupported
  // `builtin:fetchurl` and its kin have the system "builtin": any builder has them
  if (system === 'builtin')
    return systemsWithMachines(capabilities).length === 0 ? 'there is no builder for any system' : undefined
  const features = capabilities.get(system)
  if (features === undefined) return `it is for ${system}, and there is no builder for that system`
  if (typeof features === 'string') return features
  const lacking = requiredSystemFeatures.filter((feature) => !features.has(feature))
  return lacking.length === 0 ? undefined : `it requires ${lacking.join(', ')}, which no builder has`
}
