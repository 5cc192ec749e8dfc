import { resourceOf, type Resource, type TaskState } from './definition.ts'
import { StateError } from './errors.ts'
import { recovering } from './recovery.ts'
import type { Completion } from './run.ts'
import { runActivity } from './task-activity.ts'
import { runIntegration } from './task-integration.ts'
import { TaskTimers } from './task-timers.ts'
import type { Visit } from './visit.ts'
import type { Json } from './json.ts'

/**
 * Task: hands its Arguments to a resource and waits for the result.
 * @throws StateError of the resource; States.Timeout after TimeoutSeconds, or after HeartbeatSeconds without a sign of life
 */
export function runTask(visit: Visit<TaskState>): Promise<Completion> {
  const { state } = visit
  return recovering(visit, async () => {
    const resource = resourceOf(state.Resource)
    if (!resource) throw new StateError('States.Runtime', `Unknown resource ${state.Resource}.`)
    const result = await attempt(visit, resource)
    return visit.leave(state, state.Next, result, { result })
  })
}

async function attempt(visit: Visit<TaskState>, resource: Resource): Promise<Json> {
  const { state, frame } = visit
  const timeout = await visit.wholeNumber('TimeoutSeconds', state.TimeoutSeconds, 1, 99_999_999)
  const heartbeat = await visit.wholeNumber('HeartbeatSeconds', state.HeartbeatSeconds, 1, 99_999_999)
  const timers = new TaskTimers(frame.run.clock, frame.signal, timeout, heartbeat)
  const token = frame.run.tokens.open(() => timers.beat())
  try {
    return resource.kind === 'activity'
      ? await runActivity(visit, resource, timers, token)
      : await runIntegration(visit, resource, timers, token)
  } finally {
    token.close()
    timers.stop()
  }
}
