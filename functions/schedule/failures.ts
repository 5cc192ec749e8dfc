import { describeError, HearthError } from '../shared/errors.ts'

/** Some repositories were not looked at, or some of their runs not started; all others were. */
export class ScheduleIncomplete extends HearthError {
  override name = 'ScheduleIncomplete'
  override retryable = true
}

/** Lets work on one thing fail without the others, and forgets no failure. */
export class Failures {
  readonly #failed: string[] = []

  /** What the work gives; undefined when it fails. */
  async collect<Result>(what: string, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work()
    } catch (error) {
      const { name, message } = describeError(error)
      this.#failed.push(`${what}: ${name}: ${message}`)
      return undefined
    }
  }

  /** @throws ScheduleIncomplete naming everything that failed, and why */
  throwIfAny(): void {
    if (this.#failed.length > 0)
      throw new ScheduleIncomplete(`all the rest was started, but not\n${this.#failed.join('\n')}`)
  }
}
