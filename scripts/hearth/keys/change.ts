import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  ExecutionDoesNotExist,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn'
import type { KeyChange } from '../../../functions/shared/contract.ts'
import { HearthError } from '../../../functions/shared/errors.ts'
import type { Deployment } from '../deployment.ts'

/** A change of the keys that Publish refused, or that broke. It has the name and the message that Publish gave. */
export class KeysUnchanged extends HearthError {
  constructor(name: string, message: string) {
    super(message)
    this.name = name
  }
}

// Step Functions allows some 15 DescribeExecution a second for an account.
const POLL_MS = 1000

/** Starts a change of the keys: the operator's part ends here, everything else happens inside of Publish. @returns the execution's ARN */
export async function startKeyChange(
  { sfn, keysStateMachine }: Deployment,
  change: KeyChange,
): Promise<string> {
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({
      stateMachineArn: keysStateMachine,
      name: `${change.change}-${randomUUID()}`,
      input: JSON.stringify(change),
    }),
  )
  if (executionArn === undefined) throw new TypeError('Step Functions started an execution without a name')
  return executionArn
}

/**
 * Waits for the end of a change.
 * @param meanwhile is called between two looks
 * @throws KeysUnchanged
 */
export async function followKeyChange(
  deployment: Deployment,
  executionArn: string,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<void> {
  for (;;) {
    const { status = 'RUNNING', error, cause } = await describe(deployment, executionArn)
    if (status === 'SUCCEEDED') return
    if (status !== 'RUNNING') throw new KeysUnchanged(error ?? status, messageOf(cause, status))
    await meanwhile()
    await sleep(POLL_MS)
  }
}

async function describe(
  { sfn }: Deployment,
  executionArn: string,
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
