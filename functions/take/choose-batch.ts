import type { Lane, Schedule } from '../shared/contract.ts'
import { findFrontier, type Frontier } from './frontier.ts'
import { type GrownBatch, growBatch } from './grow-batch.ts'

/** How far a schedule is; derivations are named by their positions in it. What is in no set is to be built, and nobody does. */
export interface Progress {
  /** in our cache */
  published: ReadonlySet<number>
  /** in a batch, of whatever lane, that has no outcome yet */
  taken: ReadonlySet<number>
  /** not to be built now: failed for good, or claimed by another run */
  out: ReadonlySet<number>
  /** other lanes of this system that have a batch without outcome */
  busyLanes: number
  /** what this lane's machine has in hand, if it takes more before all of it is published */
  hand?: Hand
}

/** What a machine was given that is not published yet. */
export interface Hand {
  built: ReadonlySet<number>
  /** how many more seconds each is expected to take */
  running: ReadonlyMap<number, number>
  /** not begun, inputs before what needs them */
  queued: number[]
}

/** What the lanes of one system are like. Times in seconds. */
export interface LaneSettings {
  /** derivations that a machine builds at once */
  slots: number
  /** of this system */
  lanes: number
  /** from the end of a batch's last build until its lane has the next one: upload, Publish, Take */
  handOverSeconds: number
  /** a batch that is worth a hand-over */
  shortestSeconds: number
  longestSeconds: number
  /** in one batch: its job is one object */
  mostDerivations: number
  rolling?: boolean
  reserveSeconds?: number
}

/**
 * Hand-overs of 5 s are 8 % of a minute. Two hours leave CodeBuild's longest build of 8 hours room for timings that are wrong by a factor
 * of 4. A job has about 1 kB for each of its derivations.
 */
export const defaultLaneSettings: LaneSettings = {
  slots: 4,
  lanes: 1,
  handOverSeconds: 5,
  shortestSeconds: 30,
  longestSeconds: 7200,
  mostDerivations: 2000,
}

/**
 * What a lane builds next: the longest path first, as much as pays. Every need of a derivation is published, or is in the batch before it.
 * @returns positions in the schedule, inputs before what needs them; empty when nothing is ready for this lane
 */
export function chooseBatch(
  schedule: Schedule,
  progress: Progress,
  lane: Lane,
  settings: LaneSettings,
): number[] {
  const frontier = findFrontier(schedule, progress, lane.system)
  if (frontier.ready.length === 0) return []
  let best: GrownBatch | undefined
  let leastCost = Infinity
  const capacity = settings.lanes * settings.slots
  if (progress.hand !== undefined || settings.rolling === true) {
    const work = frontier.ready.reduce(
      (sum, position) => sum + (schedule.derivations[position]?.seconds ?? 0),
      0,
    )
    return growBatch(schedule, frontier, {
      slots: settings.slots,
      mostDerivations: settings.mostDerivations,
      horizonSeconds: Math.min(
        Math.max(work / capacity / 2, settings.handOverSeconds),
        settings.reserveSeconds ?? 60,
      ),
      shareSeconds: shareOf(schedule, frontier, progress, settings),
      latest: Infinity,
      starving: 0,
      hand: progress.hand ?? { built: new Set(), running: new Map(), queued: [] },
    }).positions
  }
  const longest = Math.min(
    settings.longestSeconds,
    Math.max(settings.shortestSeconds, frontier.workFree / capacity),
  )
  const firstSeconds = schedule.derivations[frontier.ready[0] ?? 0]?.seconds ?? 0
  const leastLeft = Math.max(frontier.longestPath, frontier.workLeft / capacity)
  const horizons = [firstSeconds, longest]
  for (let horizon = settings.shortestSeconds; horizon < longest; horizon *= 2) horizons.push(horizon)
  for (const horizon of horizons.sort((one, other) => one - other))
    for (const latest of [Infinity, leastLeft - settings.handOverSeconds]) {
      const batch = growBatch(schedule, frontier, {
        slots: settings.slots,
        mostDerivations: settings.mostDerivations,
        horizonSeconds: horizon,
        shareSeconds: shareOf(schedule, frontier, progress, settings),
        latest,
        starving: Math.max(
          0,
          (settings.lanes - progress.busyLanes - 1) * settings.slots -
            Math.max(0, frontier.ready.length - settings.slots),
        ),
      })
      const cost = costOf(batch, frontier, settings)
      // of equals the longer one: fewer hand-overs
      if (cost <= leastCost) [best, leastCost] = [batch, cost]
    }
  return best?.positions ?? []
}

/** How many lanes of a system would find something to build now, beside the busy ones: what to wake. */
export function lanesWithWork(
  schedule: Schedule,
  progress: Progress,
  system: string,
  settings: LaneSettings,
): number {
  const { ready } = findFrontier(schedule, progress, system)
  const work = ready.reduce((sum, position) => sum + (schedule.derivations[position]?.seconds ?? 0), 0)
  const worthwhile = Math.ceil(work / (settings.shortestSeconds * settings.slots))
  return Math.min(worthwhile, ready.length, Math.max(settings.lanes - progress.busyLanes, 0))
}

/** Of what is ready, what this lane may take so that other lanes that have nothing get some, unless it is too little to divide. */
function shareOf(
  { derivations }: Schedule,
  { ready }: Frontier,
  { busyLanes }: Progress,
  { lanes, slots, shortestSeconds }: LaneSettings,
): number {
  const work = ready.reduce((sum, position) => sum + (derivations[position]?.seconds ?? 0), 0)
  return Math.max(work / Math.max(lanes - busyLanes, 1), shortestSeconds * slots)
}

/**
 * What a batch costs for each second that it takes: by how much it puts off the end of the run, because what it makes is not published before all
 * of it is built; and the part of the machine that has nothing to do, as far as the run has no machines to spare.
 */
function costOf(
  { seconds, work, pathBehind, waiting }: GrownBatch,
  { workLeft, longestPath }: Frontier,
  { lanes, slots, handOverSeconds }: LaneSettings,
): number {
  const capacity = lanes * slots
  const leastLeft = Math.max(longestPath, workLeft / capacity)
  const delay = Math.max(0, seconds + handOverSeconds + pathBehind - leastLeft)
  const idle = seconds + handOverSeconds - work / slots
  return (delay + (idle + waiting / slots) * (workLeft / capacity / leastLeft)) / Math.max(seconds, 1e-3)
}
