import type {
  BatchId,
  Claim,
  Lane,
  MachineId,
  ScheduledMachines,
  System,
  WaveSchedule,
} from '../shared/contract.ts'
import { parseBatchId } from '../shared/batch-id.ts'
import { type FoundDerivations, readFound } from '../shared/found.ts'
import type { Bucket } from '../shared/objects.ts'
import { isFinished, readBatches, type TriedBatch } from '../shared/run-files.ts'
import { defaultLaneSettings, type LaneSettings, type Progress } from './choose-batch.ts'
import { noteLost } from './lost-batch.ts'
import { systemsGivenUp } from './mac-workers.ts'
import { leftOf, nameOfLane, progressOf, type RunProgress } from './progress.ts'

/** A run as a lane that asks sees it. */
export interface RunView {
  schedule: WaveSchedule
  progress: RunProgress
  /** what nobody is building, and nothing forbids */
  left: number[]
  found: FoundDerivations
  /** what the asking lane's machine still works on, in the order it was given */
  hand: BatchId[]
  isOver: (batch: BatchId) => boolean
  /** how much has been said of the run's derivations; it only grows, and nothing else makes work for a lane */
  seen: number
}

/** A lane that looks. */
export interface AskingLane {
  lane: Lane
  /** how many batches it has taken before in this wave */
  taken: number
  /** whether a machine works on what it has taken; otherwise nobody does */
  isAtWork: boolean
}

/** Looks at a run, after having closed what the asking lane left open. */
export async function viewRun(
  state: Bucket,
  schedule: WaveSchedule,
  asking: AskingLane,
  now: Date,
): Promise<RunView> {
  const { run, wave } = schedule
  for (;;) {
    const batches = await readBatches(state, run)
    const open = batches.filter((batch) => isOpenOf(batch, wave, asking))
    if (open.length > 0 && !asking.isAtWork) {
      for (const batch of open) await noteLost(state, batch, now)
      continue
    }
    const isOver = (batch: BatchId): boolean => parseBatchId(batch).wave < wave
    const found = await readFound(state, run, wave)
    const givenUp = await systemsGivenUp(state, schedule)
    const progress = progressOf(schedule, batches, {
      found: found.now,
      failed: found.failed,
      givenUp,
      isOver,
    })
    const said = batches.reduce((sum, { outcome }) => sum + (outcome?.derivations.length ?? 0), 0)
    return {
      schedule,
      progress,
      left: leftOf(schedule, progress),
      found,
      hand: open.map(({ job }) => job.batch),
      isOver,
      seen: said + found.now.size + found.failed.size + givenUp.size,
    }
  }
}

/** Whether a batch is one that the asking lane has taken before, of which Publish has not said everything. */
function isOpenOf(batch: TriedBatch, wave: number, { lane, taken }: AskingLane): boolean {
  const of = parseBatchId(batch.job.batch)
  return (
    of.wave === wave && nameOfLane(of.lane) === nameOfLane(lane) && of.number <= taken && !isFinished(batch)
  )
}

/** Whether anything is left for a system. */
export function isAnythingLeft({ schedule, left }: RunView, system: System): boolean {
  return left.some((position) => schedule.derivations[position]?.system === system)
}

/** Who looks for work. */
export interface Seeker {
  system: System
  now: Date
  /** the lane that asks, which is none of the others */
  own?: Lane
  /** its machine, when it has one */
  machine?: MachineId | undefined
}

/** The progress for the lanes of a system: what other runs are building is not to be had, and what failed in passing not yet, and not on the same machine. */
export function progressFor(
  { progress: { published, taken, out, passing, hands } }: RunView,
  busy: Map<number, Claim>,
  { system, now, own, machine }: Seeker,
): Progress {
  const later = [...passing].filter(
    ([, one]) => now.getTime() < one.until || (machine !== undefined && one.machine === machine),
  )
  const others = [...hands.values()].filter(
    ({ lane }) => lane.system === system && (own === undefined || nameOfLane(lane) !== nameOfLane(own)),
  )
  return {
    published,
    taken,
    out: new Set([...out, ...busy.keys(), ...later.map(([position]) => position)]),
    busyLanes: others.length,
  }
}

/** Machines that are started for a run are given more while they build; a Mac's activity hands out one batch after the other. */
export function settingsOf(
  { machines }: { machines: Record<System, ScheduledMachines> },
  system: System,
): LaneSettings {
  const { lanes = 1, slots = defaultLaneSettings.slots, waitHours } = machines[system] ?? {}
  const settings = { ...defaultLaneSettings, lanes, slots }
  return waitHours === undefined ? settings : { ...settings, publishing: 'whole' }
}
