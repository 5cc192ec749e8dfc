import type { Schedule } from '../shared/contract.ts'
import type { LaneSettings, Progress } from './choose-batch.ts'
import type { Frontier } from './frontier.ts'

/** Expected seconds of everything that is ready. */
export function readySeconds({ derivations }: Schedule, { ready }: Frontier): number {
  return ready.reduce((sum, position) => sum + (derivations[position]?.seconds ?? 0), 0)
}

/** Of what is ready, how many seconds of work this lane may take, so that others that have nothing get some; all of it when it is too little to divide. */
export function shareOf(
  schedule: Schedule,
  frontier: Frontier,
  { busyLanes }: Progress,
  { lanes, slots, shortestSeconds }: LaneSettings,
): number {
  return Math.max(readySeconds(schedule, frontier) / Math.max(lanes - busyLanes, 1), shortestSeconds * slots)
}
