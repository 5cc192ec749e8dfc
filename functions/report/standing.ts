import type { RunStanding, WavePlan, WaveSchedule } from '../shared/contract.ts'
import { stands, type TriedBatch } from '../shared/run-files.ts'
import type { StorePath } from '../../nix/store-path.ts'

/**
 * How the shells of a plan stand now: a shell is warm as soon as all of its own warm set has come, whatever else the run still builds or waits for.
 * @param found what other runs have published meanwhile
 */
export function standingOf(
  { run, wave, shells }: WavePlan,
  { derivations }: Pick<WaveSchedule, 'derivations'>,
  batches: TriedBatch[],
  found: ReadonlySet<StorePath>,
): RunStanding {
  const come = new Set(found)
  for (const { job, outcome } of batches)
    if (job.wave === wave)
      for (const derivation of outcome?.derivations ?? [])
        if (stands(derivation)) come.add(derivation.drvPath)
  const makers = new Map(
    derivations.flatMap(({ drvPath, outputs }) => Object.values(outputs).map((path) => [path, drvPath])),
  )
  return {
    version: 1,
    run,
    wave,
    shells: shells.map(({ attribute, system, status, paths }) => {
      const left = new Set(
        paths.flatMap((path) => makers.get(path) ?? []).filter((drvPath) => !come.has(drvPath)),
      )
      const isWarm = status === 'cold' && left.size === 0
      return { attribute, system, status: isWarm ? 'warm' : status, missing: left.size }
    }),
  }
}
