import type { StorePath } from '../../nix/store-path.ts'
import type { EvaluatedShell, Graph, PlannedShell, System } from '../shared/contract.ts'
import type { Obstacle } from './buildable.ts'
import { makersOf } from './makers.ts'
import type { Missing } from './missing.ts'
import { type WantedOutput, warmSetOf } from './warm-set.ts'

/** A shell that evaluates, with what it wants. */
export interface WantingShell {
  attribute: string
  system: System
  wanted: WantedOutput[]
}

export function wantsOf(graph: Graph, shells: EvaluatedShell[]): WantingShell[] {
  return shells.flatMap((shell) =>
    'drvPath' in shell
      ? [
          {
            attribute: shell.attribute,
            system: shell.system,
            wanted: warmSetOf(graph, shell.attribute, shell.drvPath),
          },
        ]
      : [],
  )
}

/** How every shell of an evaluation stands. */
export function shellsStand(
  graph: Graph,
  shells: EvaluatedShell[],
  wants: WantingShell[],
  missing: Missing,
  obstacles: Map<StorePath, Obstacle>,
): PlannedShell[] {
  const broken = shells.flatMap((shell): PlannedShell[] =>
    'error' in shell
      ? [
          {
            attribute: shell.attribute,
            system: shell.system,
            paths: [],
            status: 'failed',
            reason: shell.error,
          },
        ]
      : [],
  )
  const evaluated = wants.map(({ attribute, system, wanted }): PlannedShell => {
    const paths = wanted.flatMap(({ path }) => path ?? [])
    const cold = wanted.filter(({ path }) => path === undefined || !missing.held.has(path))
    const blame = new Set(
      makersOf(graph, missing, cold).flatMap((drvPath) => obstacles.get(drvPath)?.blame ?? []),
    )
    if (blame.size > 0) {
      const reasons = [...blame].map((drvPath) => `${drvPath}: ${obstacles.get(drvPath)?.reason ?? ''}`)
      return { attribute, system, paths, status: 'failed', reason: reasons.join('\n'), blame: [...blame] }
    }
    return { attribute, system, paths, status: cold.length === 0 ? 'warm' : 'cold' }
  })
  return [...evaluated, ...broken]
}
