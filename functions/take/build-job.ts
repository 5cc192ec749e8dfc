import type { BatchDerivation, BatchId, BuildJob, System, WaveSchedule } from '../shared/contract.ts'
import { isAwaited } from './hand.ts'

/**
 * The job of one batch.
 * @param positions in the schedule, inputs before what needs them
 * @param inHand what the same machine has in hand beside it
 */
export function buildJob(
  schedule: WaveSchedule,
  positions: number[],
  batch: BatchId,
  system: System,
  inHand: ReadonlySet<number>,
): BuildJob {
  const { run, wave, job, derivations } = schedule
  const here = new Set([...positions, ...inHand])
  const batchDerivations = positions.flatMap((position): BatchDerivation[] => {
    const derivation = derivations[position]
    if (derivation === undefined) return []
    const { drvPath, outputs, inputs, needs, path } = derivation
    const beside = needs.filter((need) => here.has(need)).flatMap((need) => derivations[need]?.drvPath ?? [])
    return [{ drvPath, outputs, inputs, needs: beside, path, isAwaited: isAwaited(schedule, position, here) }]
  })
  return { kind: 'build', run, wave, batch, system, ...job, derivations: batchDerivations }
}
