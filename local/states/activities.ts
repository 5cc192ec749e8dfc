import { unlessAborted } from './clock.ts'

/** What a worker gets. */
export interface ActivityTask {
  taskToken: string
  input: string
}

interface Offer {
  task: ActivityTask
  /** tells the execution that a worker took it, and which */
  taken(worker: string | undefined): void
}
interface Poll {
  worker: string | undefined
  give(task: ActivityTask): void
}

/** The queues between executions and the workers that poll for tasks. */
export class Activities {
  readonly #queues = new Map<string, { offers: Offer[]; polls: Poll[] }>()

  add(arn: string): void {
    if (!this.#queues.has(arn)) this.#queues.set(arn, { offers: [], polls: [] })
  }

  has(arn: string): boolean {
    return this.#queues.has(arn)
  }

  /** Tasks that wait in it wait on until their execution gives up, as at AWS. */
  remove(arn: string): void {
    this.#queues.delete(arn)
  }

  /** Queues a task. @returns the name of the worker that took it @throws the signal's reason */
  async offer(arn: string, task: ActivityTask, signal: AbortSignal): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const queue = this.#queue(arn)
    const offer: Offer = { task, taken: resolve }
    queue.offers.push(offer)
    match(queue)
    try {
      return await unlessAborted(promise, signal)
    } finally {
      queue.offers = queue.offers.filter((other) => other !== offer)
    }
  }

  /** Waits for a task, for as long as the signal is not aborted: then undefined. */
  async poll(
    arn: string,
    worker: string | undefined,
    signal: AbortSignal,
  ): Promise<ActivityTask | undefined> {
    const { promise, resolve } = Promise.withResolvers<ActivityTask | undefined>()
    const queue = this.#queue(arn)
    const poll: Poll = { worker, give: resolve }
    const leave = (): void => {
      queue.polls = queue.polls.filter((other) => other !== poll)
      resolve(undefined)
    }
    if (signal.aborted) return undefined
    signal.addEventListener('abort', leave, { once: true })
    queue.polls.push(poll)
    match(queue)
    const task = await promise
    signal.removeEventListener('abort', leave)
    return task
  }

  #queue(arn: string): { offers: Offer[]; polls: Poll[] } {
    const queue = this.#queues.get(arn)
    if (!queue) throw new Error(`there is no activity ${arn}`)
    return queue
  }
}

function match(queue: { offers: Offer[]; polls: Poll[] }): void {
  while (queue.offers.length > 0 && queue.polls.length > 0) {
    const offer = queue.offers.shift()
    const poll = queue.polls.shift()
    if (!offer || !poll) return
    poll.give(offer.task)
    offer.taken(poll.worker)
  }
}
