import type { StorePath } from '../../nix/store-path.ts'
import type { EvaluatedShell, Graph, PlannedShell, System } from '../shared/contract.ts'
import type { Obstacle } from './buildable.ts'
import { makersOf } from './makers.ts'
import type { Missing } from './missing.ts'
import { wantedBy, type WantedOutput } from './warm-set.ts'

/** A shell that is not broken, with what it wants. */
export interface WantingShell {
  attribute: string
  system: System
  wanted: WantedOutput[]
  /** it can be evaluated when it has what it wants, and nobody knows yet what it wants then */
  isUnfinished: boolean
}

export function wantsOf(graph: Graph, shells: EvaluatedShell[]): WantingShell[] {
  return shells.flatMap((shell) => {
    if ('error' in shell) return []
    const { attribute, system } = shell
    return [{ attribute, system, wanted: wantedBy(graph, shell), isUnfinished: 'needs' in shell }]
  })
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
  const evaluated = wants.map(({ attribute, system, wanted, isUnfinished }): PlannedShell => {
    const paths = wanted.flatMap(({ path }) => path ?? [])
    const cold = wanted.filter(({ path }) => path === undefined || !missing.held.has(path))
    const blame = new Set(
      makersOf(graph, missing, cold).flatMap((drvPath) => obstacles.get(drvPath)?.blame ?? []),
    )
    if (blame.size > 0) {
      const reasons = [...blame].map((drvPath) => `${drvPath}: ${obstacles.get(drvPath)?.reason ?? ''}`)
      return { attribute, system, paths, status: 'failed', reason: reasons.join('\n'), blame: [...blame] }
    }
    return { attribute, system, paths, status: cold.length === 0 && !isUnfinished ? 'warm' : 'cold' }
  })
  return [...evaluated, ...broken]
}
