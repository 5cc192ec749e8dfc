import type { Integration } from '../integration.ts'
import type { Token } from '../task-tokens.ts'
import { unlessAborted } from '../clock.ts'
import { WHOLE } from '../history.ts'
import { REGION } from '../../gateway/service.ts'
import type { Resource, TaskState } from './definition.ts'
import { StateError } from './errors.ts'
import type { Json } from './json.ts'
import type { TaskTimers } from './task-timers.ts'
import type { Visit } from './visit.ts'

/** Runs a Task whose resource is an integration, and records it. @throws StateError of the integration or of the timers */
export async function runIntegration(
  visit: Visit<TaskState>,
  resource: Resource & { kind: 'integration' },
  timers: TaskTimers,
  token: Token,
): Promise<Json> {
  const { thread, run } = visit.frame
  const of = { resourceType: resource.type, resource: resource.name }
  const integration = run.integrations[resource.arn]
  if (!integration) throw new StateError('States.Runtime', `No integration for the resource ${resource.arn}.`)
  const callback = resource.pattern === 'callback'
  const parameters = await visit.evaluate(
    'Arguments',
    visit.state.Arguments ?? {},
    callback ? { taskToken: token.text } : {},
  )
  thread.record('TaskScheduled', {
    taskScheduledEventDetails: {
      ...of,
      region: REGION,
      parameters: JSON.stringify(parameters),
      ...seconds(timers),
    },
  })
  thread.record('TaskStarted', { taskStartedEventDetails: of })
  timers.start()
  const submitted = (output: Json): void =>
    thread.record('TaskSubmitted', {
      taskSubmittedEventDetails: { ...of, output: JSON.stringify(output), outputDetails: WHOLE },
    })
  try {
    const output = await unlessAborted(
      call(integration, parameters, visit, timers, token, submitted),
      timers.signal,
    )
    if (callback) submitted(output)
    const result = callback ? await unlessAborted(token.outcome, timers.signal) : output
    visit.refuseBig(result, resource.type)
    thread.record('TaskSucceeded', {
      taskSucceededEventDetails: { ...of, output: JSON.stringify(result), outputDetails: WHOLE },
    })
    return result
  } catch (error) {
    if (!(error instanceof StateError)) throw error
    const details = { ...of, ...error.details() }
    if (timers.signal.reason === error) thread.record('TaskTimedOut', { taskTimedOutEventDetails: details })
    else thread.record('TaskFailed', { taskFailedEventDetails: details })
    throw error
  }
}

/** Calls the integration; whatever it throws that is no StateError is a fault of its own and ends the execution. */
async function call(
  integration: Integration,
  parameters: Json,
  visit: Visit<TaskState>,
  { signal }: TaskTimers,
  token: Token,
  submitted: (output: Json) => void,
): Promise<Json> {
  const { begun, resumed } = visit.frame.run
  const work = integration(parameters, {
    signal,
    taskToken: token.text,
    submitted,
    ...(resumed === undefined ? {} : { resumed }),
  })
  begun.add(work)
  try {
    return await work
  } catch (error) {
    if (error instanceof StateError || signal.aborted) throw error
    throw new StateError('States.Runtime', `The integration failed: ${String(error)}`)
  } finally {
    begun.delete(work)
  }
}

/** Seconds as history events carry them. */
export function seconds({ timeout, heartbeat }: TaskTimers): {
  timeoutInSeconds?: number
  heartbeatInSeconds?: number
} {
  return {
    ...(timeout === undefined ? {} : { timeoutInSeconds: timeout }),
    ...(heartbeat === undefined ? {} : { heartbeatInSeconds: heartbeat }),
  }
}
