import { batchId } from '../shared/batch-id.ts'
import type { BatchId, Claim, Lane, ScheduledMachines, System, WaveSchedule } from '../shared/contract.ts'
import { type FoundDerivations, readFound } from '../shared/found.ts'
import type { Bucket } from '../shared/objects.ts'
import { isFinished, readBatches } from '../shared/run-files.ts'
import { defaultLaneSettings, type LaneSettings, type Progress } from './choose-batch.ts'
import { noteLost } from './lost-batch.ts'
import { systemsGivenUp } from './mac-workers.ts'
import { batchesOver, leftOf, progressOf, type RunProgress } from './progress.ts'

/** A run as a lane that asks sees it. */
export interface RunView {
  schedule: WaveSchedule
  progress: RunProgress
  /** what nobody is building, and nothing forbids */
  left: number[]
  found: FoundDerivations
  isOver: (batch: BatchId) => boolean
  /** how much has been said of the run's derivations; it only grows, and nothing else makes work for a lane */
  seen: number
}

/** Looks at a run, after having closed what the asking lane left open. */
export async function viewRun(
  state: Bucket,
  schedule: WaveSchedule,
  asking: { lane: Lane; taken: number },
): Promise<RunView> {
  const { run, wave } = schedule
  const { lane, taken } = asking
  for (;;) {
    const batches = await readBatches(state, run)
    const last = batches.find(({ job }) => job.batch === batchId({ wave, lane, number: taken }))
    if (last !== undefined && !isFinished(last)) {
      await noteLost(state, last)
      continue
    }
    const isOver = batchesOver(batches, { wave, lane, taken })
    const found = await readFound(state, run, wave)
    const givenUp = await systemsGivenUp(state, schedule)
    const progress = progressOf(schedule, batches, { found: found.now, givenUp, isOver })
    const said = batches.reduce((sum, { outcome }) => sum + (outcome?.derivations.length ?? 0), 0)
    const seen = said + found.now.size + givenUp.size
    return { schedule, progress, left: leftOf(schedule, progress), found, isOver, seen }
  }
}

/** Whether anything is left for a system. */
export function isAnythingLeft({ schedule, left }: RunView, system: System): boolean {
  return left.some((position) => schedule.derivations[position]?.system === system)
}

/** The progress for a lane of a system: what other runs are building is not to be had. */
export function progressFor(
  { progress }: RunView,
  busy: Map<number, Claim>,
  lane: Pick<Lane, 'system'>,
): Progress {
  return {
    published: progress.published,
    taken: progress.taken,
    out: new Set([...progress.out, ...busy.keys()]),
    busyLanes: progress.busy.filter(({ system }) => system === lane.system).length,
  }
}

export function settingsOf(
  { machines }: { machines: Record<System, ScheduledMachines> },
  system: System,
): LaneSettings {
  const { lanes = 1, slots = defaultLaneSettings.slots } = machines[system] ?? {}
  return { ...defaultLaneSettings, lanes, slots }
}
