/**
 * The time that one system's evaluation may take. One attribute may take half of what is left, the last one all of it: so a few attributes that never finish
 * cannot take the others' time, and however many there are, the whole stays within its bound.
 */
export class TimeBudget {
  private readonly deadline: number
  private readonly now: () => number

  /** @param now milliseconds of a clock that only goes forward */
  constructor(seconds: number, now: () => number = () => performance.now()) {
    this.now = now
    this.deadline = now() + seconds * 1000
  }

  /** Seconds that the next attribute may take. */
  share(attributesLeft: number): number {
    const left = Math.max(0, this.deadline - this.now()) / 1000
    return attributesLeft > 1 ? left / 2 : left
  }
}
