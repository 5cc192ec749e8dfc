import {
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn'
import type { BuildAnswer } from '../../functions/shared/contract.ts'
import { describeError } from '../../functions/shared/errors.ts'

/** Whether an answer of Step Functions means that nobody waits for the task any more. */
export function isOver(error: unknown): boolean {
  return error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken
}

// The API takes 256 and 32,768 characters; a cause that is longer than a screen is read by nobody, and the execution's history keeps it.
const LONGEST_NAME = 256
const LONGEST_CAUSE = 4000

/** @returns false when nobody waits for it any more */
export async function succeed(sfn: SFNClient, taskToken: string, answer: BuildAnswer): Promise<boolean> {
  const output = JSON.stringify(answer)
  return toWhoeverWaits(async () => sfn.send(new SendTaskSuccessCommand({ taskToken, output })))
}

/** @returns false when nobody waits for it any more */
export async function fail(sfn: SFNClient, taskToken: string, thrown: unknown): Promise<boolean> {
  const { name, message } = describeError(thrown)
  const error = name.slice(0, LONGEST_NAME)
  const cause = message.slice(0, LONGEST_CAUSE)
  return toWhoeverWaits(async () => sfn.send(new SendTaskFailureCommand({ taskToken, error, cause })))
}

async function toWhoeverWaits(send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send()
    return true
  } catch (error) {
    if (isOver(error)) return false
    throw error
  }
}
