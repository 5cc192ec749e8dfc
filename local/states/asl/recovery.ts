import type { Catcher, MapState, ParallelState, Retrier, TaskState } from './definition.ts'
import { StateError } from './errors.ts'
import type { Completion } from './run.ts'
import type { Visit } from './visit.ts'

/** Errors that States.ALL and States.TaskFailed leave alone. Source: developer guide, "Handling errors". */
const NOT_FOR_WILDCARDS: ReadonlySet<string> = new Set(['States.DataLimitExceeded', 'States.Runtime'])

/** Whether a retrier or catcher with these names is meant for this error. */
export function matches(names: readonly string[], error: StateError): boolean {
  // States.Runtime ends every execution, whatever anybody lists
  if (error.error === 'States.Runtime') return false
  return names.some((name) => {
    if (name === error.error) return true
    if (name === 'States.HeartbeatTimeout') return error.missedHeartbeat
    if (NOT_FOR_WILDCARDS.has(error.error)) return false
    return name === 'States.ALL' || (name === 'States.TaskFailed' && error.error !== 'States.Timeout')
  })
}

/**
 * Seconds to wait before the nth retry (from 1): `IntervalSeconds * BackoffRate^(n-1)`, at most MaxDelaySeconds; with FULL jitter a random part
 * of that. Defaults: 1 second, 2.0, no jitter.
 */
export function delayOf(retrier: Retrier, nth: number, random: () => number): number {
  const {
    IntervalSeconds = 1,
    BackoffRate = 2,
    MaxDelaySeconds = Infinity,
    JitterStrategy = 'NONE',
  } = retrier
  const delay = Math.min(IntervalSeconds * BackoffRate ** (nth - 1), MaxDelaySeconds)
  return JitterStrategy === 'FULL' ? delay * random() : delay
}

/**
 * Runs one attempt after the other until one succeeds, the retriers are used up, or the error is none of theirs; then looks for a catcher.
 * Every retrier counts its own attempts during one visit of the state.
 * @throws StateError that nothing catches
 */
export async function recovering(
  visit: Visit<TaskState | MapState | ParallelState>,
  attempt: () => Promise<Completion>,
): Promise<Completion> {
  const { run, signal } = visit.frame
  const used = new Map<Retrier, number>()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof StateError)) throw error
      const retrier = visit.state.Retry?.find(({ ErrorEquals }) => matches(ErrorEquals, error))
      const nth = retrier ? (used.get(retrier) ?? 0) + 1 : 0
      if (!retrier || nth > (retrier.MaxAttempts ?? 3)) return handOver(visit, error)
      used.set(retrier, nth)
      visit.retryCount += 1
      await run.clock.sleep(delayOf(retrier, nth, run.random) * 1000, signal)
    }
  }
}

async function handOver(
  visit: Visit<TaskState | MapState | ParallelState>,
  error: StateError,
): Promise<Completion> {
  const catchers: Catcher[] = visit.state.Catch ?? []
  const index = catchers.findIndex(({ ErrorEquals }) => matches(ErrorEquals, error))
  const catcher = catchers[index]
  if (!catcher) throw error
  const errorOutput = error.output()
  return visit.leave(catcher, catcher.Next, errorOutput, { errorOutput }, `Catch[${index}].`)
}
