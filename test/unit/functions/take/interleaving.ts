import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'

interface Process {
  /** requests that it has made, and that nobody has let through */
  held: (() => void)[]
  done: Promise<void>
  isDone: boolean
}

/**
 * Things that happen at the same time, in an order that a test decides: each is stopped before every request that it makes to a service.
 *
 * It knows whose request it is by the asynchronous context. Nothing may take real time between two requests.
 */
export class Interleaving {
  readonly #own = new AsyncLocalStorage<Process>()
  readonly #processes = new Map<string, Process>()

  /** For `before` of the services in memory. */
  before = async (): Promise<void> => {
    const process = this.#own.getStore()
    if (process === undefined || process.isDone) return
    await new Promise<void>((resolve) => process.held.push(resolve))
  }

  /** Begins something, which stops before its first request. */
  async begin(name: string, work: () => Promise<unknown>): Promise<void> {
    const process: Process = { held: [], done: Promise.resolve(), isDone: false }
    this.#processes.set(name, process)
    process.done = this.#own.run(process, async () => {
      try {
        await work()
      } finally {
        process.isDone = true
      }
    })
    // whoever finishes it sees the error
    process.done.catch(() => undefined)
    await settle()
  }

  /** Lets so many requests through. @returns false when it has ended before that */
  async step(name: string, requests: number): Promise<boolean> {
    const process = this.#processes.get(name)
    for (let step = 0; step < requests; step++) {
      if (process === undefined || process.isDone) return false
      process.held.shift()?.()
      await settle()
    }
    return process?.isDone === false
  }

  /** Lets it run to its end. */
  async finish(name: string): Promise<void> {
    while (await this.step(name, 1));
    await this.#processes.get(name)?.done
  }
}

/** Until everything that needs no service has been done. */
async function settle(): Promise<void> {
  await setImmediate()
  await setImmediate()
}
