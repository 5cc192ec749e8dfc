import { PriorityQueue } from '../../functions/take/priority-queue.ts'

interface Event {
  time: number
  order: number
  happen(): void
}

/** Simulated time in seconds. What is due at the same moment happens in the order in which it was asked for. */
export class Clock {
  now = 0
  #asked = 0
  #events = new PriorityQueue<Event>(
    (one, other) => one.time < other.time || (one.time === other.time && one.order < other.order),
  )

  /** Lets something happen after so many seconds. */
  after(seconds: number, happen: () => void): void {
    this.#events.add({ time: this.now + seconds, order: this.#asked++, happen })
  }

  /** Lets everything happen, until nothing is left. */
  run(): void {
    for (let event = this.#events.take(); event !== undefined; event = this.#events.take()) {
      this.now = event.time
      event.happen()
    }
  }
}
