import type { Clock } from '../../../../local/states/clock.ts'

interface Sleeper {
  wakes: number
  wake: () => void
}

/**
 * A clock that never waits: as soon as nothing else is going on, it jumps to the next moment that somebody sleeps until. What takes an hour is told
 * apart from what takes a second, and no test waits for either.
 */
export class VirtualClock implements Clock {
  #now = Date.parse('2026-01-01T00:00:00Z')
  #sleepers: Sleeper[] = []
  #watching = false

  now(): Date {
    return new Date(this.#now)
  }

  /** Seconds since the clock was made. */
  get elapsed(): number {
    return (this.#now - Date.parse('2026-01-01T00:00:00Z')) / 1000
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const sleeper = { wakes: this.#now + milliseconds, wake: resolve }
    this.#sleepers.push(sleeper)
    signal.addEventListener('abort', () => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
      reject(signal.reason as Error)
    })
    if (!this.#watching) this.#watch()
    return promise
  }

  /** A turn of the event loop comes only when every promise that could go on has. */
  #watch(): void {
    this.#watching = true
    setImmediate(() => {
      this.#watching = false
      const next = this.#sleepers.toSorted((a, b) => a.wakes - b.wakes)[0]
      if (!next) return
      this.#sleepers = this.#sleepers.filter((other) => other !== next)
      this.#now = Math.max(this.#now, next.wakes)
      next.wake()
      this.#watch()
    })
  }
}
