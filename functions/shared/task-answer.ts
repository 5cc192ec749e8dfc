import {
  InvalidToken,
  SendTaskSuccessCommand,
  type SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn'

/** Whether an answer of Step Functions means that nobody waits for the task any more. */
export function isTaskOver(error: unknown): boolean {
  return error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken
}

/** Answers a task. @returns false when nobody waits for it any more */
export function succeedTask(sfn: SFNClient, taskToken: string, output: object): Promise<boolean> {
  const command = new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) })
  return toWhoeverWaits(() => sfn.send(command))
}

/** @returns false when nobody waits for the task any more */
export async function toWhoeverWaits(send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send()
    return true
  } catch (error) {
    if (isTaskOver(error)) return false
    throw error
  }
}
