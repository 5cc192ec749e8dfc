import type { StorePath } from '../../nix/store-path.ts'
import type {
  BatchDerivation,
  EvaluatedShell,
  Graph,
  PlannedShell,
  PlanVerdict,
  System,
} from '../shared/contract.ts'
import { nextBatches } from './batches.ts'
import { type Capabilities, findObstacles, ownObstacle } from './buildable.ts'
import { findMissing } from './missing.ts'
import { shellsStand, wantsOf } from './shells.ts'

export interface Decision {
  verdict: PlanVerdict
  shells: PlannedShell[]
  batches: Map<System, BatchDerivation[]>
  missing: number
}

/** Decides what to build next, from what the caches hold now. */
export async function decide(
  graph: Graph,
  shells: EvaluatedShell[],
  failures: Map<StorePath, string>,
  capabilities: Capabilities,
  whichAreHeld: (paths: StorePath[]) => Promise<Set<StorePath>>,
): Promise<Decision> {
  const ownObstacleOf = (drvPath: StorePath): string | undefined =>
    ownObstacle(graph, drvPath, failures.get(drvPath), capabilities)
  const wants = wantsOf(graph, shells)
  const missing = await findMissing(
    graph,
    wants.flatMap(({ wanted }) => wanted),
    whichAreHeld,
    (drvPath) => ownObstacleOf(drvPath) !== undefined,
  )
  const obstacles = findObstacles(graph, missing, ownObstacleOf)
  const buildable = new Set([...missing.derivations].filter((drvPath) => !obstacles.has(drvPath)))
  const batches = nextBatches(graph, missing, buildable, [...capabilities.systems])
  return {
    verdict: batches.size > 0 ? 'build' : missing.derivations.size > 0 ? 'stuck' : 'done',
    shells: shellsStand(graph, shells, wants, missing, obstacles),
    batches,
    missing: missing.derivations.size,
  }
}
