import type { JsonObject } from './json.ts'

/** A definition that is outside our subset, or wrong. Its message names every fault and where it is (`States.Build.Foo: …`). */
export class InvalidDefinition extends Error {
  override name = 'InvalidDefinition'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** An error in the sense of the States Language: a name that Retry and Catch match on, and perhaps a cause. */
export class StateError extends Error {
  override name = 'StateError'
  readonly error: string
  readonly reason: string | undefined
  /** A missed heartbeat is reported as States.Timeout and matched by States.HeartbeatTimeout too. */
  readonly missedHeartbeat: boolean
  constructor(error: string, reason?: string, options: { missedHeartbeat?: boolean } = {}) {
    super(reason === undefined ? error : `${error}: ${reason}`)
    this.error = error
    this.reason = reason
    this.missedHeartbeat = options.missedHeartbeat ?? false
  }

  /** `$states.errorOutput`. An error without a cause has no `Cause`: reading it then is itself an error. */
  output(): JsonObject {
    return this.reason === undefined ? { Error: this.error } : { Error: this.error, Cause: this.reason }
  }

  /** The two members of every history event that reports a failure. */
  details(): { error: string; cause?: string } {
    return this.reason === undefined ? { error: this.error } : { error: this.error, cause: this.reason }
  }
}

/** Why a branch or an iteration is given up: another one of the same Parallel or Map failed. */
export class SiblingFailed extends Error {
  override name = 'SiblingFailed'
}
