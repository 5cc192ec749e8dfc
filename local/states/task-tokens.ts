import { randomBytes } from 'node:crypto'
import { StateError } from './asl/errors.ts'
import type { Json } from './asl/json.ts'

/** One task that somebody outside will finish. */
export interface Token {
  readonly text: string
  /** what SendTaskSuccess or SendTaskFailure said */
  readonly outcome: Promise<Json>
  /** From now on the token is answered with TaskTimedOut. */
  close(): void
}

interface Waiting {
  succeed(output: Json): void
  fail(error: StateError): void
  beat(): void
}

// 60 random bytes in base64url: nobody guesses a token, and a token is told from any other text by its form.
const FORM = /^[A-Za-z0-9_-]{80}$/

/** The tasks that wait for a word from outside, by their tokens. */
export class TaskTokens {
  readonly #waiting = new Map<string, Waiting>()

  /** @param beat is called for every heartbeat */
  open(beat: () => void): Token {
    const text = randomBytes(60).toString('base64url')
    const { promise, resolve, reject } = Promise.withResolvers<Json>()
    // most tokens are never used, and an outcome that comes as its task is given up has no reader
    promise.catch(() => undefined)
    this.#waiting.set(text, { succeed: resolve, fail: reject, beat })
    return { text, outcome: promise, close: () => this.#waiting.delete(text) }
  }

  /** Whether a text can be a token at all; else the caller's mistake is InvalidToken. */
  static isWellFormed(text: string): boolean {
    return FORM.test(text)
  }

  /** Each answers false when the task is over: the caller's answer is then TaskTimedOut. */
  succeed(text: string, output: Json): boolean {
    return this.#end(text, (waiting) => waiting.succeed(output))
  }

  fail(text: string, error: string, cause: string | undefined): boolean {
    return this.#end(text, (waiting) => waiting.fail(new StateError(error, cause)))
  }

  heartbeat(text: string): boolean {
    const waiting = this.#waiting.get(text)
    waiting?.beat()
    return waiting !== undefined
  }

  #end(text: string, say: (waiting: Waiting) => void): boolean {
    const waiting = this.#waiting.get(text)
    if (!waiting) return false
    this.#waiting.delete(text)
    say(waiting)
    return true
  }
}
