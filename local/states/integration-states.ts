import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  StartExecutionCommand,
  StopExecutionCommand,
  type DescribeExecutionOutput,
  type SFNClient,
  type StartExecutionCommandOutput,
  type StartExecutionInput,
} from '@aws-sdk/client-sfn'
import { StateError } from './asl/errors.ts'
import { isObject, parseJson, type JsonObject } from './asl/json.ts'
import { unlessAborted } from './clock.ts'
import { argumentsOf } from './integration-arguments.ts'
import { sdkMembers, stateErrorOf } from './integration-error.ts'
import type { Integration, TaskContext } from './integration.ts'
import { pascalCase } from './pascal-case.ts'
import type { StatusChange } from './status-change.ts'
import { Suspended } from './suspended.ts'

const RESOURCE = 'arn:aws:states:::states:startExecution.sync:2'

/** Tells a listener of every status change of an execution, until the function that it gives back is called. */
export type StatusChanges = (listener: (change: StatusChange) => void) => () => void

/**
 * `states:startExecution.sync:2`: starts an execution and waits until it has ended. The result is what DescribeExecution says of it, in PascalCase, with
 * Input and Output as JSON. One that ends otherwise than SUCCEEDED raises States.TaskFailed, whatever its own error was, with the same as the cause, where
 * Input is still text. When the task is given up, the execution is stopped; when the stack goes down, it stays, and the same task finds it again by its
 * name. Source: Step Functions developer guide, "Start a new state machine from a running execution".
 */
export function startExecutionSync(client: SFNClient, changes: StatusChanges): Integration {
  return async (args, context) => {
    const { executionArn, startDate, $metadata } = await start(
      client,
      requestOf(argumentsOf(RESOURCE, args)),
      context,
    )
    let child: JsonObject
    try {
      context.submitted({
        ExecutionArn: executionArn,
        ...sdkMembers($metadata),
        StartDate: pascalCase(startDate),
      })
      child = description(await ended(client, executionArn, context, changes))
    } catch (error) {
      if (context.signal.aborted && !(context.signal.reason instanceof Suspended))
        await stop(client, executionArn)
      throw error
    }
    if (child['Status'] !== 'SUCCEEDED') throw new StateError('States.TaskFailed', JSON.stringify(child))
    return { ...child, ...parsed(child, 'Input'), ...parsed(child, 'Output') }
  }
}

function requestOf(args: JsonObject): StartExecutionInput & { input: string } {
  const { StateMachineArn: stateMachineArn, Name: name, Input: input = {} } = args
  if (typeof stateMachineArn !== 'string')
    throw new StateError('States.Runtime', `${RESOURCE}: StateMachineArn must be a string`)
  if (name !== undefined && typeof name !== 'string')
    throw new StateError('States.Runtime', `${RESOURCE}: Name must be a string`)
  // whether a text is the input itself or JSON of it is nowhere said: outside our subset
  if (!isObject(input)) throw new StateError('States.Runtime', `${RESOURCE}: Input must be an object`)
  return { stateMachineArn, input: JSON.stringify(input), ...(name === undefined ? {} : { name }) }
}

interface Started extends Pick<StartExecutionCommandOutput, 'startDate' | '$metadata'> {
  executionArn: string
}

async function start(
  client: SFNClient,
  request: StartExecutionInput & { input: string },
  context: TaskContext,
): Promise<Started> {
  try {
    const { executionArn, ...rest } = await client.send(new StartExecutionCommand(request))
    if (executionArn !== undefined) return { executionArn, ...rest }
  } catch (error) {
    const before =
      error instanceof ExecutionAlreadyExists ? await remembered(client, request, context) : undefined
    if (before !== undefined) return before
    throw stateErrorOf('StepFunctions', error)
  }
  throw new StateError('States.Runtime', 'Step Functions started an execution and does not say which')
}

/**
 * What this very task started before a restart of the stack. Step Functions would know its end; here the state was entered anew, and the execution with this
 * name and this input that is older than the restart is the one.
 */
async function remembered(
  client: SFNClient,
  { stateMachineArn = '', name = '', input }: StartExecutionInput & { input: string },
  { resumed }: TaskContext,
): Promise<Started | undefined> {
  if (resumed === undefined) return undefined
  const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`
  const { input: known, startDate } = await describe(client, executionArn)
  const isOurs = known === input && startDate !== undefined && startDate.getTime() < resumed
  return isOurs ? { executionArn, startDate, $metadata: {} } : undefined
}

/** Hears of the end as Step Functions does, by an event, and then asks how it was. */
async function ended(
  client: SFNClient,
  executionArn: string,
  { signal }: TaskContext,
  changes: StatusChanges,
): Promise<DescribeExecutionOutput> {
  const { promise: end, resolve } = Promise.withResolvers<void>()
  const unlisten = changes((change) => {
    if (change.executionArn === executionArn && change.status !== 'RUNNING') resolve()
  })
  try {
    const now = await describe(client, executionArn)
    // it may have ended before anybody listened
    if (now.status !== 'RUNNING') return now
    await unlessAborted(end, signal)
    return await describe(client, executionArn)
  } finally {
    unlisten()
  }
}

async function describe(client: SFNClient, executionArn: string): Promise<DescribeExecutionOutput> {
  try {
    const { $metadata: _, ...described } = await client.send(new DescribeExecutionCommand({ executionArn }))
    return described
  } catch (error) {
    throw stateErrorOf('StepFunctions', error)
  }
}

/** Nobody waits for this execution any more: when it cannot be stopped, a warning is all that is left to say so. */
async function stop(client: SFNClient, executionArn: string): Promise<void> {
  try {
    await client.send(new StopExecutionCommand({ executionArn }))
  } catch (error) {
    process.emitWarning(`The execution ${executionArn} could not be stopped: ${String(error)}`)
  }
}

/** Members in the order of their names, as Step Functions writes them into a cause. */
function description(described: DescribeExecutionOutput): JsonObject {
  const members = Object.entries(described)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key.charAt(0).toUpperCase() + key.slice(1), pascalCase(value)] as const)
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function parsed(child: JsonObject, member: string): JsonObject {
  const text = child[member]
  return typeof text === 'string' ? { [member]: parseJson(text) } : {}
}
