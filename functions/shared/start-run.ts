import { createHash } from 'node:crypto'
import { ExecutionAlreadyExists, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import type { RunId, RunInput, Trigger } from './contract.ts'

/**
 * The execution's name: trigger, repository and 32 hexadecimal digits of a SHA-256 over what makes this start unique (the raw webhook
 * body, the schedule's slot, the caller's token). Step Functions itself makes a second start with the same name harmless, for 90 days.
 * At most 80 of `A-Za-z0-9-_`. Source: Step Functions API reference, StartExecution.
 */
export function executionName(trigger: Trigger, repository: string, unique: string | Uint8Array): RunId {
  const digest = createHash('sha256').update(unique).digest('hex').slice(0, 32)
  const readable = repository
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .slice(0, 80 - trigger.length - digest.length - 2)
  return `${trigger}-${readable}-${digest}`
}

/**
 * Starts a run of the `warm` state machine.
 * @returns whether this call started it: a repeated start is answered, not repeated
 */
export async function startRun(
  sfn: SFNClient,
  stateMachineArn: string,
  name: RunId,
  input: RunInput,
): Promise<'started' | 'duplicate'> {
  try {
    await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }))
    return 'started'
  } catch (error) {
    if (error instanceof ExecutionAlreadyExists) return 'duplicate'
    throw error
  }
}
