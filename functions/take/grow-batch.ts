import type { Schedule } from '../shared/contract.ts'
import { dependentsIn } from './dependents.ts'
import type { Hand } from './choose-batch.ts'
import type { Frontier } from './frontier.ts'
import { PriorityQueue } from './priority-queue.ts'

/** A batch that could be handed out, and how it would go on one machine. */
export interface GrownBatch {
  /** in the order in which the machine would begin them */
  positions: number[]
  /** expected seconds from its first start to its last end */
  seconds: number
  /** expected seconds of all of its derivations */
  work: number
  /** the longest path that begins when it is published: what needs something of it and is not in it */
  pathBehind: number
  /** seconds that derivations wait for this machine or for the batch's end while other machines have nothing to do, all together */
  waiting: number
}

export interface BatchBounds {
  slots: number
  /** nothing that would end later is in it, except the first */
  horizonSeconds: number
  mostDerivations: number
  /** of what is ready at this moment, this lane's share in seconds of work */
  shareSeconds: number
  /** what is needed by a longer path than what is left after the horizon is not in it, except the first and what it frees */
  latest: number
  /** slots of other machines for which nothing is ready */
  starving: number
  /** what the machine has in hand already */
  hand?: Hand | undefined
}

/** Plays one machine that builds what is ready, the longest path first, and what that makes ready in turn. */
export function growBatch(schedule: Schedule, frontier: Frontier, bounds: BatchBounds): GrownBatch {
  const { derivations } = schedule
  const dependents = dependentsIn(schedule)
  const path = (position: number): number => derivations[position]?.path ?? 0
  const freed = new PriorityQueue<number>((one, other) => path(one) > path(other))
  const running = new PriorityQueue<{ position: number; end: number }>((one, other) => one.end < other.end)
  /** of those that need something in the batch: how many needs are still to be built */
  const waiting = new Map<number, number>()
  const chosen = new Set<number>()
  const batch: GrownBatch = { positions: [], seconds: 0, work: 0, pathBehind: 0, waiting: 0 }
  let [now, next, shared, left] = [0, 0, 0, 0]
  const { hand } = bounds
  const queued = new Set(hand?.queued)
  for (const [position, secondsLeft] of hand?.running ?? []) running.add({ position, end: secondsLeft })
  for (const position of queued) {
    const needs = derivations[position]?.needs ?? []
    const count = needs.filter((need) => queued.has(need) || hand?.running.has(need) === true).length
    waiting.set(position, count)
    if (count === 0) freed.add(position)
  }

  for (;;) {
    while (running.size < bounds.slots && chosen.size < bounds.mostDerivations) {
      const position = nextThatFits()
      if (position === undefined) break
      begin(position)
    }
    const ended = running.take()
    if (ended === undefined) break
    batch.waiting += (ended.end - now) * Math.min(freed.size + left, bounds.starving)
    now = ended.end
    free(ended.position)
  }
  for (const position of batch.positions)
    for (const dependent of dependents[position] ?? [])
      if (!chosen.has(dependent)) batch.pathBehind = Math.max(batch.pathBehind, path(dependent))
  return batch

  function nextThatFits(): number | undefined {
    for (;;) {
      const [offered, fresh] = [freed.first, freshOne()]
      const isQueued = offered !== undefined && (fresh === undefined || path(offered) >= path(fresh))
      const position = isQueued ? freed.take() : fresh
      if (!isQueued && position !== undefined) next++
      if (position === undefined) return undefined
      const { seconds = 0 } = derivations[position] ?? {}
      if (queued.has(position)) return position
      if (
        hand !== undefined
          ? now > bounds.horizonSeconds
          : now + seconds > bounds.horizonSeconds && chosen.size > 0
      ) {
        if (isQueued) left++
        continue
      }
      if (!isQueued && chosen.size > 0 && bounds.horizonSeconds + path(position) - seconds > bounds.latest)
        continue
      if (!isQueued) shared += seconds
      return position
    }
  }

  function freshOne(): number | undefined {
    const position = frontier.ready[next]
    if (position === undefined || chosen.size === 0) return position
    return shared + (derivations[position]?.seconds ?? 0) > bounds.shareSeconds ? undefined : position
  }

  function begin(position: number): void {
    const { seconds = 0 } = derivations[position] ?? {}
    const end = now + seconds
    running.add({ position, end })
    if (queued.has(position)) return
    chosen.add(position)
    batch.positions.push(position)
    batch.work += seconds
    batch.seconds = Math.max(batch.seconds, end)
  }

  function free(position: number): void {
    for (const dependent of dependents[position] ?? []) {
      if (frontier.isReachable[dependent] !== 1 && !queued.has(dependent)) continue
      const left = (waiting.get(dependent) ?? frontier.waiting[dependent] ?? 0) - 1
      waiting.set(dependent, left)
      if (left === 0) freed.add(dependent)
    }
  }
}
