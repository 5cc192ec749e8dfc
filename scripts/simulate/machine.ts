import type { Schedule } from '../../functions/shared/contract.ts'
import type { Clock } from './clock.ts'
import type { Truth } from './world.ts'

/** A line of a builder's own log. */
export interface BuildRecord {
  position: number
  machine: string
  batch: string
  /** seconds from the start of the run */
  begin: number
  end: number
  result: 'built' | 'failed' | 'lost'
}

/** One builder: it builds so many of the derivations that it was given at once, in their order, and dies at some time. */
export class Machine {
  readonly name: string
  readonly log: BuildRecord[] = []
  /** given, and not begun */
  readonly queue: { position: number; batch: string }[] = []
  /** at this moment, with the time when each began */
  readonly running = new Map<number, number>()
  /** since the last report */
  finished: number[] = []
  readonly built = new Set<number>()
  isDead = false
  readonly #queued = new Set<number>()
  readonly #failed = new Set<number>()
  readonly #clock: Clock
  readonly #schedule: Schedule
  readonly #truth: Truth
  readonly #slots: number
  readonly #changed: () => void

  /** @param changed is called when a build has ended, and when the machine was given something */
  constructor(
    name: string,
    clock: Clock,
    schedule: Schedule,
    truth: Truth,
    slots: number,
    changed: () => void,
  ) {
    this.name = name
    this.#clock = clock
    this.#schedule = schedule
    this.#truth = truth
    this.#slots = slots
    this.#changed = changed
  }

  get isDone(): boolean {
    return this.queue.length === 0 && this.running.size === 0
  }

  get hasIdleSlot(): boolean {
    return this.running.size < this.#slots
  }

  give(batch: string, positions: number[]): void {
    for (const position of positions) {
      this.queue.push({ position, batch })
      this.#queued.add(position)
    }
    // what was given later may be more urgent; what needs something has a shorter path than it
    const path = (position: number): number => this.#schedule.derivations[position]?.path ?? 0
    this.queue.sort(
      (one, other) => path(other.position) - path(one.position) || one.position - other.position,
    )
    this.#fill()
  }

  /** What it is building at this moment is lost. */
  die(): void {
    this.isDead = true
    this.running.clear()
    this.queue.length = 0
    for (const record of this.log) if (record.end > this.#clock.now) record.end = this.#clock.now
  }

  #fill(): void {
    if (this.isDead) return
    for (let index = 0; index < this.queue.length && this.hasIdleSlot;) {
      const next = this.queue[index]
      if (next === undefined) break
      const needs = this.#schedule.derivations[next.position]?.needs ?? []
      if (needs.some((need) => this.#failed.has(need))) {
        this.queue.splice(index, 1)
        this.#queued.delete(next.position)
        this.#failed.add(next.position)
        this.finished.push(next.position)
      } else if (needs.some((need) => this.#isHere(need))) index++
      else {
        this.queue.splice(index, 1)
        this.#queued.delete(next.position)
        this.#begin(next.position, next.batch)
      }
    }
    this.#changed()
  }

  /** Whether it is this machine that still has to build it. */
  #isHere(position: number): boolean {
    return this.running.has(position) || this.#queued.has(position)
  }

  #begin(position: number, batch: string): void {
    const seconds = this.#truth.seconds[position] ?? 0
    const begin = this.#clock.now
    const record: BuildRecord = {
      position,
      machine: this.name,
      batch,
      begin,
      end: begin + seconds,
      result: 'lost',
    }
    this.log.push(record)
    this.running.set(position, begin)
    this.#clock.after(seconds, () => {
      if (this.isDead) return
      const fails = this.#truth.fails[position] === true
      record.result = fails ? 'failed' : 'built'
      if (fails) this.#failed.add(position)
      else this.built.add(position)
      this.running.delete(position)
      this.finished.push(position)
      this.#fill()
    })
  }
}
