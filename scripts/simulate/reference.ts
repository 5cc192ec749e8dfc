import { longestPaths } from '../../functions/plan/longest-paths.ts'
import type { Schedule } from '../../functions/shared/contract.ts'
import { indexOf } from '../../functions/take/schedule-index.ts'
import { PriorityQueue } from '../../functions/take/priority-queue.ts'
import type { Truth, WorldSettings } from './world.ts'

export interface Reference {
  /** seconds of list scheduling without any start-up and hand-over, and one start-up */
  seconds: number
  /** no schedule is shorter: the longest path, or a system's work on all its slots */
  bound: number
}

/**
 * Critical-path list scheduling (Graham) by somebody who knows how long each build really takes, on the same machines, where a result is everywhere the
 * moment its build ends.
 */
export function referenceOf(schedule: Schedule, truth: Truth, world: WorldSettings): Reference {
  const { derivations } = schedule
  const seconds = (position: number): number => truth.seconds[position] ?? 0
  const isTried = whichAreTried(schedule, truth)
  const paths = longestPaths(
    derivations.map(({ needs }, position) => ({
      needs,
      seconds: isTried[position] === true ? seconds(position) : 0,
    })),
  )
  const path = (position: number): number => paths[position] ?? 0
  const { dependents } = indexOf(schedule)
  const pools = new Map(
    derivations.map(({ system }) => [
      system,
      {
        free: world.builders * world.slots,
        work: 0,
        ready: new PriorityQueue<number>((one, other) => path(one) > path(other)),
      },
    ]),
  )
  const waiting = derivations.map(({ needs }) => needs.length)
  const running = new PriorityQueue<{ position: number; end: number }>((one, other) => one.end < other.end)
  const poolOf = (position: number) => pools.get(derivations[position]?.system ?? '')
  for (const [position, count] of waiting.entries()) if (count === 0) poolOf(position)?.ready.add(position)
  let now = 0
  for (;;) {
    for (const pool of pools.values())
      while (pool.free > 0) {
        const position = pool.ready.take()
        if (position === undefined) break
        pool.free--
        pool.work += seconds(position)
        running.add({ position, end: now + seconds(position) })
      }
    const ended = running.take()
    if (ended === undefined) break
    now = ended.end
    const pool = poolOf(ended.position)
    if (pool !== undefined) pool.free++
    for (const dependent of dependents[ended.position] ?? []) {
      const left = (waiting[dependent] ?? 0) - 1
      waiting[dependent] = left
      if (left === 0 && isTried[dependent] === true) poolOf(dependent)?.ready.add(dependent)
    }
  }
  const works = [...pools.values()].map(({ work }) => work / (world.builders * world.slots))
  return { seconds: now + world.startUpSeconds, bound: Math.max(...paths, ...works, 0) }
}

/** Not tried: what needs something that fails. */
export function whichAreTried({ derivations }: Schedule, { fails }: Truth): boolean[] {
  const isTried: boolean[] = []
  for (const { needs } of derivations)
    isTried.push(needs.every((need) => isTried[need] === true && fails[need] === false))
  return isTried
}
