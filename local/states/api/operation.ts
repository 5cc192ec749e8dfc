import type { Call } from '../../gateway/service.ts'
import type { Activities } from '../activities.ts'
import type { Clock } from '../clock.ts'
import type { Executions } from '../executions.ts'
import type { Machines } from '../machines.ts'
import type { ActivityRecord, Store } from '../store.ts'
import type { TaskTokens } from '../task-tokens.ts'

/** What the operations work on. */
export interface World {
  store: Store
  clock: Clock
  machines: Machines
  executions: Executions
  activities: Activities
  activityRecords: Map<string, ActivityRecord>
  tokens: TaskTokens
}

/**
 * One operation of the API: takes the request's parameters and gives the answer's.
 * @param gone is aborted when the caller has gone away or the service closes
 * @throws ApiError; AccessDenied, which the gateway answers
 */
export type Operation = (
  world: World,
  body: unknown,
  call: Call,
  gone: AbortSignal,
) => object | Promise<object>

/** Times go over the wire in seconds. */
export const seconds = (milliseconds: number): number => milliseconds / 1000
