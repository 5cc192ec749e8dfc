import type { Json } from './asl/json.ts'

/** What an integration is given besides its arguments. */
export interface TaskContext {
  /** aborted when the task has timed out, a sibling has failed, the execution was stopped, or the stack goes down */
  signal: AbortSignal
  /** what SendTaskSuccess and SendTaskFailure of this task go by */
  taskToken: string
  /** For `.sync`: says that the job has been accepted, and what the service answered. */
  submitted: (output: Json) => void
  /** when the execution was last taken up again after a restart, in milliseconds since 1970: what this task did before that is not remembered */
  resumed?: number
}

/**
 * Does the work of one resource (`arn:aws:states:::lambda:invoke`): takes the Task's Arguments and gives its result. For `.waitForTaskToken` what it
 * gives is only the answer of the service; the result comes with the token.
 * @throws StateError named as Step Functions would name it
 */
export type Integration = (args: Json, context: TaskContext) => Promise<Json>

/** Integrations by resource. */
export type Integrations = Readonly<Record<string, Integration>>
