import { SendTaskFailureCommand, type SFNClient } from '@aws-sdk/client-sfn'
import type { BuildAnswer } from '../../functions/shared/contract.ts'
import { describeError } from '../../functions/shared/errors.ts'
import { succeedTask, toWhoeverWaits } from '../../functions/shared/task-answer.ts'

// The API takes 256 and 32,768 characters; a cause that is longer than a screen is read by nobody, and the execution's history keeps it.
const LONGEST_NAME = 256
const LONGEST_CAUSE = 4000

/** @returns false when nobody waits for it any more */
export function succeed(sfn: SFNClient, taskToken: string, answer: BuildAnswer): Promise<boolean> {
  return succeedTask(sfn, taskToken, answer)
}

/** @returns false when nobody waits for it any more */
export async function fail(sfn: SFNClient, taskToken: string, thrown: unknown): Promise<boolean> {
  const { name, message } = describeError(thrown)
  const error = name.slice(0, LONGEST_NAME)
  const cause = message.slice(0, LONGEST_CAUSE)
  return toWhoeverWaits(async () => sfn.send(new SendTaskFailureCommand({ taskToken, error, cause })))
}
