import type { PassState } from './definition.ts'
import type { Completion } from './run.ts'
import type { Visit } from './visit.ts'

/** Pass: hands its input on, or the value of its Output. */
export async function runPass(visit: Visit<PassState>): Promise<Completion> {
  return visit.leave(visit.state, visit.state.Next, visit.input)
}
