import type { Schedule } from '../../functions/shared/contract.ts'
import type { Clock } from './clock.ts'
import type { Truth } from './world.ts'

/** A line of a builder's own log. */
export interface BuildRecord {
  position: number
  machine: string
  batch: string
  begin: number
  end: number
  result: 'built' | 'failed' | 'lost'
}

/** One builder: it has a batch at a time, builds so many derivations of it at once, and dies at some time. */
export class Machine {
  readonly name: string
  readonly log: BuildRecord[] = []
  isDead = false
  readonly #clock: Clock
  readonly #schedule: Schedule
  readonly #truth: Truth
  readonly #slots: number
  #silent: (() => void) | undefined

  constructor(name: string, clock: Clock, schedule: Schedule, truth: Truth, slots: number) {
    this.name = name
    this.#clock = clock
    this.#schedule = schedule
    this.#truth = truth
    this.#slots = slots
  }

  /**
   * Builds a batch in its order, what is ready first, and goes on after failures.
   * @param ended is told which positions were built and which failed when all are built that can be
   * @param silent happens instead when the machine dies meanwhile; what was built until then is in the log
   */
  build(batch: string, positions: number[], ended: () => void, silent: () => void): void {
    const inBatch = new Set(positions)
    const built = new Set<number>()
    const failed = new Set<number>()
    const rest = [...positions]
    let running = 0
    this.#silent = silent
    const fill = (): void => {
      if (this.isDead) return
      for (let index = 0; index < rest.length && running < this.#slots; ) {
        const position = rest[index] ?? -1
        const needs = this.#schedule.derivations[position]?.needs.filter((need) => inBatch.has(need)) ?? []
        if (needs.some((need) => failed.has(need))) {
          failed.add(position)
          rest.splice(index, 1)
        } else if (needs.every((need) => built.has(need))) {
          rest.splice(index, 1)
          begin(position)
        } else index++
      }
      if (running > 0 || rest.length > 0) return
      this.#silent = undefined
      ended()
    }
    const begin = (position: number): void => {
      const seconds = this.#truth.seconds[position] ?? 0
      const begun = this.#clock.now
      const record: BuildRecord = { position, machine: this.name, batch, begin: begun, end: begun + seconds, result: 'lost' }
      this.log.push(record)
      running++
      this.#clock.after(seconds, () => {
        if (this.isDead) return
        running--
        const fails = this.#truth.fails[position] === true
        record.result = fails ? 'failed' : 'built'
        if (fails) failed.add(position)
        else built.add(position)
        fill()
      })
    }
    fill()
  }

  /** Loses what it is building at this moment. */
  die(): void {
    if (this.isDead) return
    this.isDead = true
    for (const record of this.log) if (record.end > this.#clock.now) record.end = this.#clock.now
    this.#silent?.()
  }
}
