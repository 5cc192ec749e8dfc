import type { BuildEvent } from '../codebuild/builds.ts'
import type { DeniedCall } from '../gateway/authorization.ts'
import type { FunctionLogEvent } from '../lambda/functions.ts'
import type { BusEvent } from '../events/event-bus.ts'
import type { Notification } from '../sns/topics.ts'
import type { HistoryEvent } from '../states/history.ts'
import type { StatusChange } from '../states/status-change.ts'

/** What happens in a stack, as it happens. */
export type StackEvent =
  | { kind: 'resource'; logicalId: string; type: string }
  | FunctionLogEvent
  | BuildEvent
  | { kind: 'execution'; change: StatusChange }
  | { kind: 'history'; executionArn: string; event: HistoryEvent }
  | { kind: 'denied'; denied: DeniedCall }
  /** what somebody put on the event bus, and what came to a topic */
  | { kind: 'bus-event'; event: BusEvent }
  | { kind: 'notification'; notification: Notification }
  /** something failed for which nobody waited: an asynchronous invocation, a rule's target, a request that a service could not answer */
  | { kind: 'failure'; where: string; message: string }
