import { setTimeout as sleep } from 'node:timers/promises'

/** @returns a function that resolves when its caller's turn has come: so many turns a second at most, evenly, and none saved up */
export function paced(
  perSecond: number,
  clock: { now: () => number; sleep: (ms: number) => Promise<unknown> } = {
    now: () => performance.now(),
    sleep,
  },
): () => Promise<void> {
  let next = Number.NEGATIVE_INFINITY
  return async () => {
    const turn = Math.max(clock.now(), next)
    next = turn + 1000 / perSecond
    const wait = turn - clock.now()
    if (wait > 0) await clock.sleep(wait)
  }
}
