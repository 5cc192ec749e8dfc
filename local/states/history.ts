import type { HistoryEvent as SdkHistoryEvent, HistoryEventType } from '@aws-sdk/client-sfn'
import { StateError } from './asl/errors.ts'
import type { Clock } from './clock.ts'

/** An event as GetExecutionHistory gives it; its time in seconds since 1970, as JSON 1.0 has it. */
export type HistoryEvent = Omit<SdkHistoryEvent, 'timestamp' | 'type' | 'id'> & {
  id: number
  timestamp: number
  type: HistoryEventType
}
export type EventDetails = Omit<SdkHistoryEvent, 'timestamp' | 'type' | 'id' | 'previousEventId'>

/** An execution may have so many events. Source: Step Functions quotas. */
const MOST_EVENTS = 25_000

const LAST_EVENTS: ReadonlySet<HistoryEventType> = new Set<HistoryEventType>([
  'ExecutionSucceeded',
  'ExecutionFailed',
  'ExecutionTimedOut',
  'ExecutionAborted',
])

/** Numbers the events of one execution and hands each to whoever keeps or shows it. */
export class History {
  #count: number
  readonly #clock: Clock
  readonly #keep: (event: HistoryEvent) => void
  /** @param count how many events there are already */
  constructor(clock: Clock, keep: (event: HistoryEvent) => void, count = 0) {
    this.#clock = clock
    this.#keep = keep
    this.#count = count
  }

  /**
   * Adds an event and gives its number.
   * @throws StateError States.Runtime when only the event that ends the execution still fits
   */
  add(type: HistoryEventType, previousEventId: number, details: EventDetails): number {
    if (this.#count >= MOST_EVENTS - 1 && !LAST_EVENTS.has(type))
      throw new StateError(
        'States.Runtime',
        `The execution reached the maximum number of history events (${MOST_EVENTS}).`,
      )
    const id = ++this.#count
    this.#keep({ timestamp: this.#clock.now().getTime() / 1000, type, id, previousEventId, ...details })
    return id
  }
}

/** One thread of control in an execution: each event knows the one before it in the same branch or iteration. */
export class Thread {
  previous: number
  readonly #add: History['add']
  constructor(add: History['add'], previous = 0) {
    this.#add = add
    this.previous = previous
  }

  record(type: HistoryEventType, details: EventDetails = {}): void {
    this.previous = this.#add(type, this.previous, details)
  }

  fork(): Thread {
    return new Thread(this.#add, this.previous)
  }
}

/** Inputs and outputs are never cut off here, because 256 KiB is the most they have. */
export const WHOLE = { truncated: false }
