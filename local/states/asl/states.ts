import { WHOLE } from '../history.ts'
import { runChoice } from './choice.ts'
import type { Block, State } from './definition.ts'
import { SiblingFailed, StateError } from './errors.ts'
import { runFail } from './fail.ts'
import type { Json } from './json.ts'
import { runMap } from './map.ts'
import { runParallel } from './parallel.ts'
import { runPass } from './pass.ts'
import type { Completion, Frame } from './run.ts'
import { runSucceed } from './succeed.ts'
import { runTask } from './task.ts'
import { Visit } from './visit.ts'
import { runWait } from './wait.ts'

/** A place between two states, from which a block can be taken up again. */
export interface Place {
  state: string
  input: Json
  /** when the state was first entered */
  entered: Date
}

/**
 * Runs a block of states from its beginning, or from a place in it, to its end.
 * @param arrive is told of every place before its state is entered
 * @returns the output of the last state
 * @throws StateError that no state caught; the signal's reason when it is aborted
 */
export async function runBlock(
  block: Block,
  input: Json,
  frame: Frame,
  options: { from?: Place; arrive?: (place: Place) => void } = {},
): Promise<Json> {
  const { clock } = frame.run
  let place: Place = options.from ?? { state: block.StartAt, input, entered: clock.now() }
  for (;;) {
    frame.signal.throwIfAborted()
    options.arrive?.(place)
    const { output, next } = await runState(block, place, frame)
    if (next === undefined) return output
    place = { state: next, input: output, entered: clock.now() }
  }
}

async function runState(block: Block, place: Place, frame: Frame): Promise<Completion> {
  const state = block.States[place.state]
  if (!state) throw new StateError('States.Runtime', `There is no state ${place.state}.`)
  const { thread } = frame
  const name = place.state
  thread.record(`${state.Type}StateEntered`, {
    stateEnteredEventDetails: { name, input: JSON.stringify(place.input), inputDetails: WHOLE },
  })
  let completion: Completion
  try {
    completion = await step(name, state, place, frame)
  } catch (error) {
    if (error instanceof SiblingFailed) recordAbort(state, frame)
    throw error
  }
  frame.variables.assign(completion.assigned)
  // Fail never gets here; its type has no exit event
  if (state.Type !== 'Fail')
    thread.record(`${state.Type}StateExited`, { stateExitedEventDetails: exitDetails(name, completion) })
  return completion
}

function exitDetails(name: string, { output, assigned }: Completion): JsonExit {
  const details: JsonExit = { name, output: JSON.stringify(output), outputDetails: WHOLE }
  const variables = Object.entries(assigned)
  if (variables.length === 0) return details
  return {
    ...details,
    assignedVariables: Object.fromEntries(
      variables.map(([variable, value]) => [variable, JSON.stringify(value)]),
    ),
    assignedVariablesDetails: WHOLE,
  }
}
interface JsonExit {
  name: string
  output: string
  outputDetails: { truncated: boolean }
  assignedVariables?: Record<string, string>
  assignedVariablesDetails?: { truncated: boolean }
}

/** The states that take time say so when they are given up. */
function recordAbort(state: State, { thread }: Frame): void {
  if (state.Type === 'Task' || state.Type === 'Wait' || state.Type === 'Map' || state.Type === 'Parallel')
    thread.record(`${state.Type}StateAborted`)
}

function step(name: string, state: State, place: Place, frame: Frame): Promise<Completion> {
  const visit = <S extends State>(of: S): Visit<S> => new Visit(name, of, place.input, frame, place.entered)
  switch (state.Type) {
    case 'Pass':
      return runPass(visit(state))
    case 'Succeed':
      return runSucceed(visit(state))
    case 'Fail':
      return runFail(visit(state))
    case 'Wait':
      return runWait(visit(state))
    case 'Choice':
      return runChoice(visit(state))
    case 'Task':
      return runTask(visit(state))
    case 'Parallel':
      return runParallel(visit(state), runBlock)
    case 'Map':
      return runMap(visit(state), runBlock)
  }
}
