import type { PlannedShell, RunStanding, System, WavePlan, WaveSchedule } from '../shared/contract.ts'
import { stands, type TriedBatch } from '../shared/run-files.ts'
import type { StorePath } from '../../nix/store-path.ts'

/** What of a wave's schedule shells still need. */
export interface WhatIsLeft {
  /** derivation -> the system it is built on */
  of(shell: Pick<PlannedShell, 'paths'>): Map<StorePath, System>
}

/**
 * What is still to come of a wave.
 * @param found what other runs have published meanwhile
 */
export function whatIsLeft(
  { wave }: Pick<WavePlan, 'wave'>,
  { derivations }: Pick<WaveSchedule, 'derivations'>,
  batches: TriedBatch[],
  found: ReadonlySet<StorePath>,
): WhatIsLeft {
  const come = new Set(found)
  for (const { job, outcome } of batches)
    if (job.wave === wave)
      for (const derivation of outcome?.derivations ?? [])
        if (stands(derivation)) come.add(derivation.drvPath)
  const makers = new Map(
    derivations.flatMap(({ drvPath, system, outputs }) =>
      Object.values(outputs).map((path) => [path, { drvPath, system }] as const),
    ),
  )
  return {
    of: ({ paths }) =>
      new Map(
        paths
          .flatMap((path) => makers.get(path) ?? [])
          .filter(({ drvPath }) => !come.has(drvPath))
          .map(({ drvPath, system }) => [drvPath, system]),
      ),
  }
}

/** How the shells of a plan stand now: a shell is warm as soon as all of its own warm set has come, whatever else the run still builds or waits for. */
export function standingOf({ run, wave, shells }: WavePlan, left: WhatIsLeft): RunStanding {
  return {
    version: 1,
    run,
    wave,
    shells: shells.map((shell) => {
      const { attribute, system, status } = shell
      const missing = left.of(shell).size
      const isWarm = status === 'cold' && missing === 0
      return { attribute, system, status: isWarm ? 'warm' : status, missing }
    }),
  }
}
