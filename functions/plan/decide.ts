import type { StorePath } from '../../nix/store-path.ts'
import type { EvaluatedShell, Graph, PlannedShell, PlanVerdict } from '../shared/contract.ts'
import { findObstacles, ownObstacle, systemsWithMachines } from './buildable.ts'
import type { Knowledge } from './knowledge.ts'
import { findMissing } from './missing.ts'
import { scheduleOf, type Unranked } from './schedule.ts'
import { shellsStand, wantsOf } from './shells.ts'

export interface Decision {
  verdict: Exclude<PlanVerdict, 'superseded' | 'evaluate'>
  shells: PlannedShell[]
  /** everything that is missing and can be built, inputs before what needs them */
  schedule: Unranked[]
  /** what is needed and in a cache */
  held: Set<StorePath>
  missing: number
}

/** Decides what to build next, from what the caches hold now. */
export async function decide(
  graph: Graph,
  shells: EvaluatedShell[],
  { failures, capabilities, secondsOf }: Knowledge,
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
  const schedule = scheduleOf(graph, missing, buildable, systemsWithMachines(capabilities), secondsOf)
  return {
    verdict: schedule.length > 0 ? 'build' : missing.derivations.size > 0 ? 'stuck' : 'done',
    shells: shellsStand(graph, shells, wants, missing, obstacles),
    schedule,
    held: missing.held,
    missing: missing.derivations.size,
  }
}
