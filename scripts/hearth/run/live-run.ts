import type {
  BatchId,
  Lane,
  LaneWait,
  RunId,
  ScheduledDerivation,
  System,
  WaveSchedule,
} from '../../../functions/shared/contract.ts'
import { parseBatchId } from '../../../functions/shared/batch-id.ts'
import { hasCome, isFinished, stands, type TriedBatch } from '../../../functions/shared/run-files.ts'
import { nameOf, type StorePath } from '../../../nix/store-path.ts'

/** What a run is doing at one moment, for people and programs. */
export interface LiveRun {
  run: RunId
  wave: number
  systems: LiveSystem[]
}

export interface LiveSystem {
  system: System
  /** derivations of the schedule */
  total: number
  published: number
  failed: number
  /** seconds until everything of this system is published, if all goes on as expected */
  secondsLeft: number
  lanes: LiveLane[]
}

export interface LiveLane extends Lane {
  /** what its machine has in hand at this moment */
  hand?: { id: BatchId; derivations: LiveDerivation[] }[]
  /** what it waits for; empty: for what other lanes are building */
  waits?: LaneWait[]
}

export interface LiveDerivation {
  drvPath: StorePath
  name: string
  status: 'waiting' | 'building' | 'uploading' | 'staged' | 'published' | 'failed'
}

/** What a machine said last of its batch. */
export interface BatchReport {
  building: StorePath[]
  uploading: StorePath[]
  staged: StorePath[]
}

/** Everything that a run has written down. */
export interface RunFiles {
  schedule: WaveSchedule
  batches: TriedBatch[]
  /** lanes that wait */
  parked: { lane: Lane; waits: LaneWait[] }[]
  reports: Map<BatchId, BatchReport>
  /** what other runs published meanwhile */
  found: Set<StorePath>
}

/** Works out what a run is doing from what it has written down. */
export function liveRun({ schedule, batches, parked, reports, found }: RunFiles): LiveRun {
  const { run, wave, machines, derivations } = schedule
  const standing = standingOf(batches, found)
  const systems = Object.entries(machines).map(([system, { lanes, slots }]): LiveSystem => {
    const own = derivations.filter((derivation) => derivation.system === system)
    const count = (status: 'published' | 'failed'): number =>
      own.filter(({ drvPath }) => standing.get(drvPath) === status).length
    return {
      system,
      total: own.length,
      published: count('published'),
      failed: count('failed'),
      secondsLeft: secondsLeft(
        own.filter(({ drvPath }) => !standing.has(drvPath)),
        lanes * slots,
      ),
      lanes: Array.from({ length: lanes }, (_, index) => {
        const lane = { system, slot: index + 1 }
        return { ...lane, ...doingOf(lane, wave, batches, parked, reports) }
      }),
    }
  })
  return { run, wave, systems }
}

/** The longest path, or all the work shared by all machines: what takes longer. */
function secondsLeft(left: ScheduledDerivation[], slots: number): number {
  const work = left.reduce((sum, { seconds }) => sum + seconds, 0)
  return Math.max(work / slots, ...left.map(({ path }) => path), 0)
}

function standingOf(batches: TriedBatch[], found: Set<StorePath>): Map<StorePath, 'published' | 'failed'> {
  const standing = new Map<StorePath, 'published' | 'failed'>()
  for (const { outcome } of batches)
    for (const derivation of outcome?.derivations ?? []) {
      if (stands(derivation)) standing.set(derivation.drvPath, 'published')
      else if (derivation.error?.retryable === false && !standing.has(derivation.drvPath))
        standing.set(derivation.drvPath, 'failed')
    }
  for (const drvPath of found) standing.set(drvPath, 'published')
  return standing
}

function doingOf(
  { system, slot }: Lane,
  wave: number,
  batches: TriedBatch[],
  parked: RunFiles['parked'],
  reports: RunFiles['reports'],
): Pick<LiveLane, 'hand' | 'waits'> {
  const waiting = parked.find(({ lane }) => lane.system === system && lane.slot === slot)
  if (waiting !== undefined) return { waits: waiting.waits }
  const own = batches.filter((batch) => {
    const of = parseBatchId(batch.job.batch)
    return of.wave === wave && of.lane.system === system && of.lane.slot === slot && !isFinished(batch)
  })
  if (own.length === 0) return {}
  return {
    hand: own.map((batch) => {
      const id = batch.job.batch
      return { id, derivations: derivationsOf(batch, reports.get(id)) }
    }),
  }
}

function derivationsOf({ job, outcome }: TriedBatch, report: BatchReport | undefined): LiveDerivation[] {
  const said = new Map(outcome?.derivations.map((derivation) => [derivation.drvPath, derivation]))
  return job.derivations.map(({ drvPath }): LiveDerivation => {
    const derivation = said.get(drvPath)
    const name = nameOf(drvPath).replace(/\.drv$/, '')
    if (derivation !== undefined)
      return { drvPath, name, status: hasCome(derivation) ? 'published' : 'failed' }
    const isIn = (list: keyof BatchReport): boolean => report?.[list].includes(drvPath) === true
    const status =
      (['building', 'uploading', 'staged'] as const).find((candidate) => isIn(candidate)) ?? 'waiting'
    return { drvPath, name, status }
  })
}
