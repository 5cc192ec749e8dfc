import type { Schedule } from '../shared/contract.ts'
import type { Hand } from './choose-batch.ts'
import type { Frontier } from './frontier.ts'
import { PriorityQueue } from './priority-queue.ts'
import { indexOf } from './schedule-index.ts'

/** A batch that could be handed out, and how it would go on one machine. Times in expected seconds. */
export interface GrownBatch {
  /** in the order in which the machine would begin them */
  positions: number[]
  /** from its first start to its last end */
  seconds: number
  /** of all of its derivations together */
  work: number
  /** the longest path that can begin when it is published: what needs something of it and is not in it */
  pathBehind: number
  /** how long what it makes ready waits for this machine, or for the batch's end, while other machines have nothing to do; all together */
  waiting: number
}

export interface BatchBounds {
  /** derivations that the machine builds at once */
  slots: number
  mostDerivations: number
  /** of what is ready at this moment: this lane's share of the work */
  shareSeconds: number
  /** slots of other machines for which nothing is ready */
  starving: number
  /** what the machine has in hand already */
  hand?: Hand | undefined
  /**
   * Whether the machine may take a derivation that it would begin at `start`, in seconds from now. Not asked of the first that it would begin at once: a machine
   * with nothing in hand always gets something when something is ready.
   * @param isFreed nothing but what this machine builds before stood in its way
   */
  admits(position: number, start: number, isFreed: boolean): boolean
}

/** Plays one machine that builds what is ready, the longest path first, and what that makes ready in turn. */
export function growBatch(schedule: Schedule, frontier: Frontier, bounds: BatchBounds): GrownBatch {
  return new Growth(schedule, frontier, bounds).grow()
}

class Growth {
  readonly #schedule: Schedule
  readonly #frontier: Frontier
  readonly #bounds: BatchBounds
  readonly #dependents: number[][]
  readonly #freed: PriorityQueue<number>
  readonly #running = new PriorityQueue<{ position: number; end: number }>(
    (one, other) => one.end < other.end,
  )
  /** of what needs something that the machine builds: how many needs are still to be built */
  readonly #waiting = new Map<number, number>()
  readonly #chosen = new Set<number>()
  readonly #queued: Set<number>
  readonly #batch: GrownBatch = { positions: [], seconds: 0, work: 0, pathBehind: 0, waiting: 0 }
  #now = 0
  /** how many of `frontier.ready` were looked at */
  #seen = 0
  #sharedSeconds = 0
  /** how many were freed and not admitted */
  #refused = 0

  constructor(schedule: Schedule, frontier: Frontier, bounds: BatchBounds) {
    this.#schedule = schedule
    this.#frontier = frontier
    this.#bounds = bounds
    this.#dependents = indexOf(schedule).dependents
    this.#freed = new PriorityQueue((one, other) => this.#path(one) > this.#path(other))
    this.#queued = new Set(bounds.hand?.queued)
  }

  grow(): GrownBatch {
    this.#resume()
    for (;;) {
      this.#fillSlots()
      const ended = this.#running.take()
      if (ended === undefined) break
      const waiting = Math.min(this.#freed.size + this.#refused, this.#bounds.starving)
      this.#batch.waiting += (ended.end - this.#now) * waiting
      this.#now = ended.end
      this.#free(ended.position)
    }
    for (const position of this.#batch.positions)
      for (const dependent of this.#dependents[position] ?? [])
        if (!this.#chosen.has(dependent))
          this.#batch.pathBehind = Math.max(this.#batch.pathBehind, this.#path(dependent))
    return this.#batch
  }

  /** Begins with what the machine has in hand. */
  #resume(): void {
    const { hand } = this.#bounds
    if (hand === undefined) return
    for (const [position, secondsLeft] of hand.running) this.#running.add({ position, end: secondsLeft })
    for (const position of this.#queued) {
      const needs = this.#schedule.derivations[position]?.needs ?? []
      const unbuilt = needs.filter((need) => this.#queued.has(need) || hand.running.has(need)).length
      this.#waiting.set(position, unbuilt)
      if (unbuilt === 0) this.#freed.add(position)
    }
  }

  #fillSlots(): void {
    while (this.#running.size < this.#bounds.slots && this.#chosen.size < this.#bounds.mostDerivations) {
      const position = this.#next()
      if (position === undefined) return
      this.#begin(position)
    }
  }

  /** What the machine begins now: the longest path of what it has freed itself and of what was ready before. */
  #next(): number | undefined {
    for (;;) {
      const freed = this.#freed.first
      const ready = this.#nextReady()
      const isFreed = freed !== undefined && (ready === undefined || this.#path(freed) >= this.#path(ready))
      const position = isFreed ? this.#freed.take() : ready
      if (position === undefined) return undefined
      if (!isFreed) this.#seen++
      if (this.#queued.has(position)) return position
      if ((this.#chosen.size === 0 && this.#now === 0) || this.#bounds.admits(position, this.#now, isFreed)) {
        if (!isFreed) this.#sharedSeconds += this.#seconds(position)
        return position
      }
      if (isFreed) this.#refused++
    }
  }

  /** The share may be exceeded by one derivation: a long one is not left to lie. */
  #nextReady(): number | undefined {
    if (this.#chosen.size > 0 && this.#sharedSeconds >= this.#bounds.shareSeconds) return undefined
    return this.#frontier.ready[this.#seen]
  }

  #begin(position: number): void {
    const end = this.#now + this.#seconds(position)
    this.#running.add({ position, end })
    if (this.#queued.has(position)) return
    this.#chosen.add(position)
    this.#batch.positions.push(position)
    this.#batch.work += this.#seconds(position)
    this.#batch.seconds = Math.max(this.#batch.seconds, end)
  }

  #free(position: number): void {
    for (const dependent of this.#dependents[position] ?? []) {
      if (this.#frontier.isReachable[dependent] !== 1 && !this.#queued.has(dependent)) continue
      const left = (this.#waiting.get(dependent) ?? this.#frontier.waiting[dependent] ?? 0) - 1
      this.#waiting.set(dependent, left)
      if (left === 0) this.#freed.add(dependent)
    }
  }

  #path(position: number): number {
    return this.#schedule.derivations[position]?.path ?? 0
  }

  #seconds(position: number): number {
    return this.#schedule.derivations[position]?.seconds ?? 0
  }
}
