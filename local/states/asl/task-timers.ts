import type { Clock } from '../clock.ts'
import { StateError } from './errors.ts'

/** Every timer of a task that is over ends this way; nobody sees it. */
class TaskOver extends Error {
  override name = 'TaskOver'
}

/**
 * TimeoutSeconds and HeartbeatSeconds of one attempt. `signal` is aborted with a StateError when one has passed, or with the reason of the frame
 * around it. Step Functions reports a missed heartbeat as States.Timeout too.
 */
export class TaskTimers {
  readonly signal: AbortSignal
  readonly timeout: number | undefined
  readonly heartbeat: number | undefined
  readonly #clock: Clock
  readonly #ended = new AbortController()
  #beating: AbortController | undefined
  #started = false

  /** @param timeout and `heartbeat` in seconds */
  constructor(clock: Clock, around: AbortSignal, timeout: number | undefined, heartbeat: number | undefined) {
    this.#clock = clock
    this.timeout = timeout
    this.heartbeat = heartbeat
    this.signal = AbortSignal.any([around, this.#ended.signal])
  }

  /** The clock of a Lambda or a build starts when it is scheduled, that of an activity when a worker takes it. */
  start(): void {
    this.#started = true
    if (this.timeout !== undefined) this.#after(this.timeout, this.signal, new StateError('States.Timeout'))
    this.beat()
  }

  /** A sign of life: the time for the next one begins anew. */
  beat(): void {
    if (this.heartbeat === undefined || !this.#started) return
    this.#beating?.abort(new TaskOver())
    this.#beating = new AbortController()
    const until = AbortSignal.any([this.signal, this.#beating.signal])
    this.#after(this.heartbeat, until, new StateError('States.Timeout', undefined, { missedHeartbeat: true }))
  }

  stop(): void {
    this.#ended.abort(new TaskOver())
  }

  #after(seconds: number, until: AbortSignal, error: StateError): void {
    this.#clock.sleep(seconds * 1000, until).then(
      () => this.#ended.abort(error),
      (reason: unknown) => {
        if (!until.aborted) this.#ended.abort(reason)
      },
    )
  }
}
