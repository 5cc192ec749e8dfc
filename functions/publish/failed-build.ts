/** What Step Functions catches of a failed task. */
export interface TaskFailure {
  Error?: string | undefined
  Cause?: string | undefined
}

/**
 * What to say of a derivation of which the builder said nothing.
 * @param machine the CodeBuild build, or the worker; undefined when none is known
 */
export function lostMessage(machine: string | undefined, failure: TaskFailure | undefined): string {
  if (failure === undefined) return `its builder ${machine ?? ''} ended without a word about it`
  const ended = `${failure.Error ?? 'unknown error'}${failure.Cause ? `: ${failure.Cause}` : ''}`
  return machine === undefined
    ? `no builder could be started (${ended})`
    : `its builder ${machine} was lost (${ended}) without a word about it: the build's log says more`
}
