interface Appointment {
  at: number
  work: () => Promise<void>
}

/** A clock that stands still while something is done, and then goes on to what comes next. */
export class VirtualTime {
  #now: number
  #appointments: Appointment[] = []

  constructor(start = Date.parse('2026-03-12T19:00:00.000Z')) {
    this.#now = start
  }

  now(): Date {
    return new Date(this.#now)
  }

  after(seconds: number, work: () => Promise<void>): void {
    this.#appointments.push({ at: this.#now + seconds * 1000, work })
  }

  /**
   * Does what is due, in order, until it is enough.
   * @param most appointments: who keeps more than that goes round in circles
   * @returns false when nothing was left to do, or too much was done, before it was enough
   */
  async runUntil(isEnough: () => boolean, most = 20_000): Promise<boolean> {
    for (let done = 0; !isEnough(); done++) {
      let next = 0
      for (const [index, { at }] of this.#appointments.entries())
        if (at < (this.#appointments[next]?.at ?? Number.POSITIVE_INFINITY)) next = index
      const [appointment] = this.#appointments.splice(next, 1)
      if (appointment === undefined || done === most) return false
      this.#now = Math.max(this.#now, appointment.at)
      await appointment.work()
    }
    return true
  }
}
