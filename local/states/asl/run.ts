import type { Clock } from '../clock.ts'
import type { Thread } from '../history.ts'
import type { Integrations } from '../integration.ts'
import type { Activities } from '../activities.ts'
import type { TaskTokens } from '../task-tokens.ts'
import type { Block } from './definition.ts'
import type { Json, JsonObject } from './json.ts'
import type { Variables } from './variables.ts'

/** What the states of one execution share. */
export interface Run {
  clock: Clock
  /** from 0 to 1, for jitter */
  random: () => number
  integrations: Integrations
  activities: Activities
  tokens: TaskTokens
  /** Execution and StateMachine of the context object */
  context: JsonObject
  /** when the execution was last taken up again after a restart, in milliseconds since 1970 */
  resumed?: number
  /** Work of integrations that was begun; closing waits for it, also for what an aborted execution has left behind. */
  begun: Set<Promise<unknown>>
}

/** Where a state runs: the execution itself, a branch or an iteration. */
export interface Frame {
  run: Run
  thread: Thread
  variables: Variables
  signal: AbortSignal
  /** Map.Item of the context object, inside a Map */
  item?: { Index: number; Value: Json }
}

/** What a state leaves behind. Without `next` the block ends here. */
export interface Completion {
  output: Json
  assigned: JsonObject
  next: string | undefined
}

/** Runs a block inside a state; handed to Map and Parallel, which the block itself may contain. */
export type RunBlock = (block: Block, input: Json, frame: Frame) => Promise<Json>
