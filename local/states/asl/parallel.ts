import type { Block, ParallelState } from './definition.ts'
import { StateError } from './errors.ts'
import type { Json } from './json.ts'
import { recovering } from './recovery.ts'
import type { Completion, RunBlock } from './run.ts'
import { sideBySide } from './siblings.ts'
import type { Visit } from './visit.ts'

/**
 * Parallel: runs all branches at once, each with a copy of the state's input (or of its Arguments) and with variables of its own; its result is
 * the list of their outputs. One branch that fails ends the others.
 */
export function runParallel(visit: Visit<ParallelState>, runBlock: RunBlock): Promise<Completion> {
  return recovering(visit, async () => {
    const { state, frame, input } = visit
    const handed = state.Arguments === undefined ? input : await visit.evaluate('Arguments', state.Arguments)
    frame.thread.record('ParallelStateStarted')
    const threads = frame.thread
    const job =
      (branch: Block) =>
      async (signal: AbortSignal): Promise<Json> => {
        const thread = threads.fork()
        const output = await runBlock(branch, handed, {
          ...frame,
          thread,
          signal,
          variables: frame.variables.inner(),
        })
        threads.previous = thread.previous
        return output
      }
    const result = await ending(visit, () =>
      sideBySide(state.Branches.map(job), state.Branches.length, frame.signal),
    )
    frame.thread.record('ParallelStateSucceeded')
    visit.refuseBig(result)
    return visit.leave(state, state.Next, result, { result })
  })
}

async function ending(visit: Visit<ParallelState>, branches: () => Promise<Json[]>): Promise<Json[]> {
  try {
    return await branches()
  } catch (error) {
    if (error instanceof StateError) visit.frame.thread.record('ParallelStateFailed')
    throw error
  }
}
