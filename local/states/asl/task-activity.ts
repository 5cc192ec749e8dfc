import { unlessAborted } from '../clock.ts'
import { WHOLE } from '../history.ts'
import type { Token } from '../task-tokens.ts'
import type { Resource, TaskState } from './definition.ts'
import { StateError } from './errors.ts'
import type { Json } from './json.ts'
import { seconds } from './task-integration.ts'
import type { TaskTimers } from './task-timers.ts'
import type { Visit } from './visit.ts'

/**
 * Runs a Task whose resource is an activity: queues its input until a worker takes it, then waits for that worker's word.
 * @throws StateError of the worker or of the timers; States.Runtime when there is no such activity
 */
export async function runActivity(
  visit: Visit<TaskState>,
  { arn }: Resource & { kind: 'activity' },
  timers: TaskTimers,
  token: Token,
): Promise<Json> {
  const { thread, run } = visit.frame
  const { state } = visit
  const input =
    state.Arguments === undefined ? visit.input : await visit.evaluate('Arguments', state.Arguments)
  if (!run.activities.has(arn))
    throw new StateError(
      'States.Runtime',
      `An error occurred while executing the state '${visit.name}'. The activity ${arn} does not exist.`,
    )
  const text = JSON.stringify(input)
  thread.record('ActivityScheduled', {
    activityScheduledEventDetails: { resource: arn, input: text, inputDetails: WHOLE, ...seconds(timers) },
  })
  const worker = await run.activities.offer(arn, { input: text, taskToken: token.text }, timers.signal)
  thread.record('ActivityStarted', {
    activityStartedEventDetails: worker === undefined ? {} : { workerName: worker },
  })
  timers.start()
  try {
    const output = await unlessAborted(token.outcome, timers.signal)
    visit.refuseBig(output, arn)
    thread.record('ActivitySucceeded', {
      activitySucceededEventDetails: { output: JSON.stringify(output), outputDetails: WHOLE },
    })
    return output
  } catch (error) {
    if (!(error instanceof StateError)) throw error
    if (timers.signal.reason === error)
      thread.record('ActivityTimedOut', { activityTimedOutEventDetails: error.details() })
    else thread.record('ActivityFailed', { activityFailedEventDetails: error.details() })
    throw error
  }
}
