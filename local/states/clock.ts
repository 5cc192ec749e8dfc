import { setTimeout as delay } from 'node:timers/promises'

/** The time that executions live in; tests bring one that does not wait. */
export interface Clock {
  now(): Date
  /**
   * Resolves after so many milliseconds.
   * @throws the signal's reason as soon as it is aborted
   */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}

// Node fires a timer of more than 2^31 - 1 ms at once; TimeoutSeconds may be 99,999,999.
const LONGEST_TIMER = 2 ** 31 - 1

/** The machine's own time. */
export const wallClock: Clock = {
  now: () => new Date(),
  async sleep(milliseconds, signal) {
    const end = performance.now() + milliseconds
    for (let left = milliseconds; left > 0; left = end - performance.now()) {
      try {
        await delay(Math.min(left, LONGEST_TIMER), undefined, { signal })
      } catch (error) {
        signal.throwIfAborted()
        throw error
      }
    }
    signal.throwIfAborted()
  },
}

/**
 * Waits for `work`, or until the signal is aborted: then it rejects at once with the signal's reason, whether or not the work listens to it.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let giveUp: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(signal.reason as Error)
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  })
  try {
    return await Promise.race([aborted, work])
  } finally {
    if (giveUp) signal.removeEventListener('abort', giveUp)
  }
}
