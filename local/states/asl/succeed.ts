import type { SucceedState } from './definition.ts'
import type { Completion } from './run.ts'
import type { Visit } from './visit.ts'

/** Succeed: ends its block (the execution, the branch or the iteration) with its input or the value of its Output. */
export async function runSucceed(visit: Visit<SucceedState>): Promise<Completion> {
  return visit.leave(visit.state, undefined, visit.input)
}
