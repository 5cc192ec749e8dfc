import type { BuildId } from '../shared/contract.ts'

/** What Step Functions catches of a failed task. */
export interface TaskFailure {
  Error?: string | undefined
  Cause?: string | undefined
}

interface CaughtBuild {
  Id?: unknown
  BuildStatus?: unknown
}

/**
 * The build that a failed Build state had started: a `.sync` task that fails gives the build as JSON in its cause. Undefined when no build
 * was started at all. Source: Step Functions developer guide, "Run a job (.sync)", error output.
 */
export function buildOfFailure(failure: TaskFailure | undefined): BuildId | undefined {
  const id = caughtBuild(failure)?.Id
  return typeof id === 'string' ? id : undefined
}

/** What to say of a derivation of which the builder said nothing. */
export function lostMessage(build: BuildId | undefined, failure: TaskFailure | undefined): string {
  if (failure === undefined) return `its builder ${build ?? ''} ended without a word about it`
  const status = caughtBuild(failure)?.BuildStatus
  const ended =
    typeof status === 'string' ? status : `${failure.Error ?? 'unknown error'}: ${failure.Cause ?? ''}`
  return build === undefined
    ? `no builder could be started (${ended})`
    : `its builder ${build} ended (${ended}) without a word about it: the build's log says more`
}

function caughtBuild(failure: TaskFailure | undefined): CaughtBuild | undefined {
  if (failure?.Cause === undefined) return undefined
  try {
    return (JSON.parse(failure.Cause) as { Build?: CaughtBuild }).Build
  } catch {
    // the cause of anything but a finished build is plain text
    return undefined
  }
}
