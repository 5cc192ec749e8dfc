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
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({
      stateMachineArn,
      name: `${name}-${randomUUID()}`,
      input: JSON.stringify(input),
    }),
  )
  for (;;) {
    const { status = 'RUNNING', error, cause, output } = await describe(sfn, executionArn)
    if (status === 'SUCCEEDED') return JSON.parse(output ?? 'null') as Output
    if (status !== 'RUNNING') throw new ExecutionFailed(error ?? status, messageOf(cause, status))
    await sleep(POLL_MS)
  }
}

async function describe(
  sfn: SFNClient,
  executionArn: string | undefined,
): Promise<Partial<DescribeExecutionOutput>> {
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
