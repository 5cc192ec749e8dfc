import type { LaneSettings, Progress } from './choose-batch.ts'
import type { Frontier } from './frontier.ts'

/** Of what is ready, how many seconds of work this lane may take, so that others that have nothing get some; all of it when it is too little to divide. */
export function shareOf(
  { readySeconds }: Frontier,
  { busyLanes }: Progress,
  { lanes, slots, startUpSeconds }: LaneSettings,
): number {
  return Math.max(readySeconds / Math.max(lanes - busyLanes, 1), startUpSeconds * slots)
}
