import type { StorePath } from '../../nix/store-path.ts'
import type { PlannedShell, System } from '../shared/contract.ts'
import type { TriedBatch } from '../shared/run-files.ts'
import type { ShellReport, ShellState } from './run-report.ts'
import type { WhatIsLeft } from './standing.ts'

/** What is known of a run that goes on, besides its plan. */
export interface Meanwhile {
  left: WhatIsLeft
  /** systems that wait for a machine */
  waiting: ReadonlySet<System>
}

/**
 * How every shell of a plan stands, as people are told.
 * @param batches of the whole run
 * @param meanwhile absent when the run is over: what is not warm then stays so
 */
export function shellReports(
  shells: PlannedShell[],
  batches: TriedBatch[],
  meanwhile?: Meanwhile,
): ShellReport[] {
  const secondsOf = builtPaths(batches)
  return shells.map((shell) => {
    const { attribute, system, status, paths, reason, blame } = shell
    const built = new Map(
      paths.flatMap((path) => {
        const maker = secondsOf.get(path)
        return maker === undefined ? [] : [[maker.drvPath, maker.seconds] as const]
      }),
    )
    const left = meanwhile?.left.of(shell) ?? new Map<StorePath, System>()
    return {
      attribute,
      system,
      state: stateOf(status, built.size > 0, [...left.values()], meanwhile),
      built: built.size,
      seconds: [...built.values()].reduce((sum, seconds) => sum + seconds, 0),
      missing: left.size,
      ...(reason === undefined ? {} : { reason }),
      ...(blame === undefined || blame.length === 0 ? {} : { blame }),
    }
  })
}

/** @param left the systems of what is still to come */
function stateOf(
  status: PlannedShell['status'],
  isBuilt: boolean,
  left: System[],
  meanwhile: Meanwhile | undefined,
): ShellState {
  if (status === 'failed') return 'failed'
  if (status === 'warm' || (meanwhile !== undefined && left.length === 0)) return isBuilt ? 'built' : 'warm'
  if (meanwhile === undefined) return 'cold'
  return left.some((system) => meanwhile.waiting.has(system)) ? 'waiting' : 'building'
}

/** Output path -> who made it in this run, and how long that took. */
function builtPaths(batches: TriedBatch[]): Map<StorePath, { drvPath: StorePath; seconds: number }> {
  const made = new Map<StorePath, { drvPath: StorePath; seconds: number }>()
  for (const { job, outcome } of batches) {
    const outputsOf = new Map(job.derivations.map(({ drvPath, outputs }) => [drvPath, outputs]))
    for (const { drvPath, outcome: became, seconds = 0 } of outcome?.derivations ?? [])
      if (became === 'published')
        for (const path of Object.values(outputsOf.get(drvPath) ?? {})) made.set(path, { drvPath, seconds })
  }
  return made
}
