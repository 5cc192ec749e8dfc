import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  ExecutionDoesNotExist,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn'

/** An execution that did not succeed. It has the name and the message that the function gave. */
export class ExecutionFailed extends Error {
  constructor(name: string, message: string) {
    super(message)
    this.name = name
  }
}

// Step Functions allows some 15 DescribeExecution a second for an account.
const POLL_MS = 1000

/** @returns the execution's ARN */
export async function startExecution(
  sfn: SFNClient,
  stateMachineArn: string,
  name: string,
  input: object,
): Promise<string> {
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({
      stateMachineArn,
      name: `${name}-${randomUUID()}`,
      input: JSON.stringify(input),
    }),
  )
  if (executionArn === undefined) throw new TypeError('Step Functions started an execution without a name')
  return executionArn
}

/**
 * Waits for the end of an execution.
 * @param meanwhile is called between two looks
 * @returns its output
 * @throws ExecutionFailed
 */
export async function followExecution<Output>(
  sfn: SFNClient,
  executionArn: string,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<Output> {
  for (;;) {
    const { status = 'RUNNING', error, cause, output } = await describe(sfn, executionArn)
    if (status === 'SUCCEEDED') return JSON.parse(output ?? 'null') as Output
    if (status !== 'RUNNING') throw new ExecutionFailed(error ?? status, messageOf(cause, status))
    await meanwhile()
    await sleep(POLL_MS)
  }
}

/**
 * Runs an execution to its end.
 * @returns its output
 * @throws ExecutionFailed
 */
export async function runExecution<Output>(
  sfn: SFNClient,
  stateMachineArn: string,
  name: string,
  input: object,
): Promise<Output> {
  return followExecution(sfn, await startExecution(sfn, stateMachineArn, name, input))
}

async function describe(sfn: SFNClient, executionArn: string): Promise<Partial<DescribeExecutionOutput>> {
  try {
    return await sfn.send(new DescribeExecutionCommand({ executionArn }))
  } catch (error) {
    // DescribeExecution is eventually consistent: right after its start an execution may not be known yet
    if (error instanceof ExecutionDoesNotExist) return {}
    throw error
  }
}

/** A Lambda's error stands in the cause as JSON. Source: Step Functions developer guide, "Handling error conditions". */
function messageOf(cause: string | undefined, status: string): string {
  if (cause === undefined) return `the execution ended ${status}`
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown }
    return typeof errorMessage === 'string' ? errorMessage : cause
  } catch {
    return cause
  }
}
