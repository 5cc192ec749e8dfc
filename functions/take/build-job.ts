import type { BatchDerivation, BatchId, BuildJob, System, WaveSchedule } from '../shared/contract.ts'

/**
 * The job of one batch.
 * @param positions in the schedule, inputs before what needs them
 */
export function buildJob(
  { run, wave, job, derivations }: WaveSchedule,
  positions: number[],
  batch: BatchId,
  system: System,
): BuildJob {
  const inBatch = new Set(positions)
  const batchDerivations = positions.flatMap((position): BatchDerivation[] => {
    const derivation = derivations[position]
    if (derivation === undefined) return []
    const { drvPath, outputs, inputs, needs } = derivation
    const beside = needs.filter((need) => inBatch.has(need))
    return [{ drvPath, outputs, inputs, needs: beside.flatMap((need) => derivations[need]?.drvPath ?? []) }]
  })
  return { kind: 'build', run, wave, batch, system, ...job, derivations: batchDerivations }
}
