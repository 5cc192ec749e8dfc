import type { Lane, Schedule, System } from '../shared/contract.ts'
import { findFrontier } from './frontier.ts'
import { chooseTopUp } from './top-up.ts'
import { chooseWholeBatch } from './whole-batch.ts'

/** How far a schedule is; derivations are named by their positions in it. What is in no set is to be built, and nobody does. */
export interface Progress {
  /** in our cache */
  published: ReadonlySet<number>
  /** in a batch, of whatever lane, that has no outcome for it yet */
  taken: ReadonlySet<number>
  /** not to be built now: failed for good, or claimed by another run */
  out: ReadonlySet<number>
  /** other lanes of this system that have something in hand */
  busyLanes: number
  /** what this lane's machine has in hand, when `settings.publishing` is `rolling` */
  hand?: Hand
}

/** What a machine was given that has no outcome yet. */
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
  /** when what a machine has built is published. `whole`: when all of its batch is built. `rolling`: what is finished, every now and then, and it is given more before it has built all */
  publishing: 'whole' | 'rolling'
  /** from a batch's last build until its lane has the next one: upload, Publish, Take */
  handOverSeconds: number
  /** what starting a machine costs: less work is not shared with one more lane */
  startUpSeconds: number
  /** a batch that is worth a hand-over */
  shortestSeconds: number
  longestSeconds: number
  /** in `rolling`: how far a machine may look ahead */
  reserveSeconds: number
  /** in one batch: its job is one object */
  mostDerivations: number
}

/**
 * Batches of half a minute with hand-overs of 5 s: shorter ones are for derivations that are. Two hours leave CodeBuild's longest build of 8 hours room for
 * timings that are wrong by a factor of 4. A job has about 1 kB for each of its derivations. The rest was found with `npm run simulate`.
 */
export const defaultLaneSettings: LaneSettings = {
  slots: 4,
  lanes: 1,
  publishing: 'rolling',
  handOverSeconds: 5,
  startUpSeconds: 60,
  shortestSeconds: 30,
  longestSeconds: 7200,
  reserveSeconds: 180,
  mostDerivations: 2000,
}

/**
 * What a lane builds next: the longest path first, as much as pays. Every need of a derivation is published, is in the batch before it, or is in this
 * machine's hand; those of `needsPublished` are published.
 * @returns positions in the schedule, inputs before what needs them; empty when nothing is ready for this lane
 */
export function chooseBatch(
  schedule: Schedule,
  progress: Progress,
  lane: Lane,
  settings: LaneSettings,
): number[] {
  const frontier = findFrontier(schedule, progress, lane.system)
  if (settings.publishing === 'rolling') return chooseTopUp(schedule, frontier, progress, settings)
  return frontier.ready.length === 0 ? [] : chooseWholeBatch(schedule, frontier, progress, settings)
}

/**
 * How many lanes that have nothing in hand would find something worth their while now: so many to wake.
 * @param progress with every busy lane of the system, and without a hand
 */
export function lanesWithWork(
  schedule: Schedule,
  progress: Progress,
  system: System,
  settings: LaneSettings,
): number {
  const { ready, readySeconds } = findFrontier(schedule, progress, system)
  const startUpWork = Math.max(settings.startUpSeconds * settings.slots, 1)
  const worthwhile = Math.max(Math.ceil(readySeconds / startUpWork), 1)
  return Math.min(worthwhile, ready.length, Math.max(settings.lanes - progress.busyLanes, 0))
}
