import type { Schedule } from '../shared/contract.ts'
import type { LaneSettings, Progress } from './choose-batch.ts'
import type { Frontier } from './frontier.ts'
import { type GrownBatch, growBatch } from './grow-batch.ts'
import { shareOf } from './share.ts'

/**
 * The batch that costs least, if nothing of it is published before all of it is built, to a lane that gets the next one only then: several lengths are tried, and for each whether what others
 * wait for may stand beside what takes long.
 */
export function chooseWholeBatch(
  schedule: Schedule,
  frontier: Frontier,
  progress: Progress,
  settings: LaneSettings,
): number[] {
  const { derivations } = schedule
  const { ready } = frontier
  const otherSlots = Math.max(0, settings.lanes - progress.busyLanes - 1) * settings.slots
  const bounds = {
    slots: settings.slots,
    mostDerivations: settings.mostDerivations,
    shareSeconds: shareOf(frontier, progress, settings),
    starving: Math.max(0, otherSlots - Math.max(0, ready.length - settings.slots)),
  }
  const behind = (position: number): number => {
    const { path = 0, seconds = 0 } = derivations[position] ?? {}
    return path - seconds
  }
  const longestBehind = longestOf(ready, behind)
  const spare = leastLeft(frontier, settings) - settings.handOverSeconds
  let best: GrownBatch | undefined
  let leastCost = Infinity
  for (const horizon of horizonsOf(schedule, frontier, settings)) {
    const fits = (position: number, start: number): boolean =>
      start + (derivations[position]?.seconds ?? 0) <= horizon
    const candidates = [growBatch(schedule, frontier, { ...bounds, admits: fits })]
    if (horizon + longestBehind > spare)
      candidates.push(
        growBatch(schedule, frontier, {
          ...bounds,
          admits: (position, start, isFreed) =>
            fits(position, start) && (isFreed || horizon + behind(position) <= spare),
        }),
      )
    for (const batch of candidates) {
      const cost = costOf(batch, frontier, settings)
      // of equals the longer one: fewer hand-overs
      if (cost <= leastCost) [best, leastCost] = [batch, cost]
    }
  }
  return best?.positions ?? []
}

function longestOf(positions: ArrayLike<number>, seconds: (position: number) => number): number {
  let longest = 0
  for (let index = 0; index < positions.length; index++)
    longest = Math.max(longest, seconds(positions[index] ?? 0))
  return longest
}

/** Lengths to try in seconds, ascending: as long as the most urgent derivation alone, and doubling up to a lane's part of what nobody has taken, so
 * that the run does not end with one lane's long batch. */
function horizonsOf({ derivations }: Schedule, frontier: Frontier, settings: LaneSettings): number[] {
  const { shortestSeconds, longestSeconds, lanes, slots } = settings
  const part = Math.max(shortestSeconds, frontier.workFree / (lanes * slots))
  const longest = Math.min(longestSeconds, part)
  const horizons = [longest, derivations[frontier.ready[0] ?? 0]?.seconds ?? 0]
  for (let horizon = shortestSeconds; horizon < longest; horizon *= 2) horizons.push(horizon)
  return horizons.sort((one, other) => one - other)
}

/** Nobody can finish what is left in fewer seconds. */
function leastLeft({ longestPath, workLeft }: Frontier, { lanes, slots }: LaneSettings): number {
  return Math.max(longestPath, workLeft / (lanes * slots))
}

/**
 * What a batch costs for each second that it takes: by how much it puts off the end of the run, because what it makes is published only when all of it
 * is built; and the slots, here and on other machines, that have nothing to do meanwhile, as far as the run has none to spare.
 */
function costOf(batch: GrownBatch, frontier: Frontier, settings: LaneSettings): number {
  const { lanes, slots, handOverSeconds } = settings
  const least = leastLeft(frontier, settings)
  const delay = Math.max(0, batch.seconds + handOverSeconds + batch.pathBehind - least)
  const idle = batch.seconds + handOverSeconds + (batch.waiting - batch.work) / slots
  const scarcity = frontier.workLeft / (lanes * slots) / Math.max(least, 1e-3)
  return (delay + idle * scarcity) / Math.max(batch.seconds, 1e-3)
}
