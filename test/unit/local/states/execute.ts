import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Json } from '../../../../local/states/asl/json.ts'
import { StateError } from '../../../../local/states/asl/errors.ts'
import { Activities } from '../../../../local/states/activities.ts'
import { Executions } from '../../../../local/states/executions.ts'
import type { HistoryEvent } from '../../../../local/states/history.ts'
import type { Integrations } from '../../../../local/states/integration.ts'
import type { MachineRecord } from '../../../../local/states/store.ts'
import { Store } from '../../../../local/states/store.ts'
import { TaskTokens } from '../../../../local/states/task-tokens.ts'
import { VirtualClock } from './virtual-clock.ts'

export const INVOKE = 'arn:aws:states:::lambda:invoke'
export const CALLBACK = 'arn:aws:states:::lambda:invoke.waitForTaskToken'
export const BUILD = 'arn:aws:states:::codebuild:startBuild.sync'
export const ROLE = 'arn:aws:iam::123456789012:role/test'

/** How an execution went. */
export interface Outcome {
  status: string
  output?: Json
  error?: string
  cause?: string
  events: HistoryEvent[]
  /** seconds that it took, on its own clock */
  seconds: number
}

/** What happens when a Task calls a function: the name says which, the payload what with; a StateError is its failure. */
export type Functions = (
  name: string,
  payload: Json,
  clock: VirtualClock,
  signal: AbortSignal,
) => Promise<Json> | Json

/** Runs one execution of a state machine to its end, on a clock that does not wait. */
export async function execute(
  states: Record<string, unknown>,
  options: {
    input?: Json
    startAt?: string
    top?: object
    functions?: Functions
    random?: () => number
    act?: (world: Acting) => void
  } = {},
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-states-'))
  const clock = new VirtualClock()
  const events: HistoryEvent[] = []
  const tokens = new TaskTokens()
  const activities = new Activities()
  activities.add('arn:aws:states:us-east-1:123456789012:activity:mac')
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const executions = new Executions({
    store: new Store(folder),
    clock,
    random: options.random ?? (() => 0.5),
    activities,
    tokens,
    integrations: () => integrations(options.functions ?? ((_, payload) => payload), clock),
    onEvent: (_, event) => events.push(event),
    onStatus: ({ status }) => (status === 'RUNNING' ? undefined : end()),
  })
  const definition = {
    QueryLanguage: 'JSONata',
    StartAt: options.startAt ?? Object.keys(states)[0],
    States: states,
    ...options.top,
  }
  try {
    const record = executions.start(
      machine(JSON.stringify(definition)),
      'run',
      JSON.stringify(options.input === undefined ? {} : options.input),
    )
    options.act?.({ executions, tokens, activities, clock, arn: record.arn })
    await ended
    await executions.close()
    const { status, output, error, cause } = record
    return {
      status,
      events,
      seconds: clock.elapsed,
      ...(output === undefined ? {} : { output: JSON.parse(output) as Json }),
      ...(error === undefined ? {} : { error }),
      ...(cause === undefined ? {} : { cause }),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export interface Acting {
  executions: Executions
  tokens: TaskTokens
  activities: Activities
  clock: VirtualClock
  arn: string
}

function machine(definition: string): MachineRecord {
  const arn = 'arn:aws:states:us-east-1:123456789012:stateMachine:test'
  return { name: 'test', arn, definition, roleArn: ROLE, status: 'ACTIVE', creationDate: 0, updateDate: 0 }
}

function integrations(functions: Functions, clock: VirtualClock): Integrations {
  const call = async (args: Json, signal: AbortSignal): Promise<Json> => {
    const { FunctionName, ProjectName, Payload = {} } = args as Record<string, Json>
    return functions((FunctionName ?? ProjectName) as string, Payload, clock, signal)
  }
  return {
    [INVOKE]: async (args, { signal }) => ({ Payload: await call(args, signal), StatusCode: 200 }),
    [CALLBACK]: async (args, { signal }) => ({ Payload: await call(args, signal), StatusCode: 200 }),
    [BUILD]: async (args, context) => {
      context.submitted({ Build: { Id: 'b:1' } })
      return { Build: await call(args, context.signal) }
    },
  }
}

/** A state that calls a function and ends. */
export const invoke = (name: string, rest: object = { End: true }): object => ({
  Type: 'Task',
  Resource: INVOKE,
  Arguments: { FunctionName: name, Payload: '{% $states.input %}' },
  Output: '{% $states.result.Payload %}',
  ...rest,
})

/** A function that fails so many times with an error, and then gives `done`. */
export function failing(times: number, error: string, done: Json = 'done'): Functions {
  let left = times
  return () => {
    if (left-- > 0) throw new StateError(error, 'because')
    return done
  }
}
