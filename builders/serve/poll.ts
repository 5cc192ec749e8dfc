import { GetActivityTaskCommand } from '@aws-sdk/client-sfn'
import * as z from 'zod/mini'
import type { WorkerTask } from '../../functions/shared/contract.ts'
import { WrongJob } from '../machine/errors.ts'
import type { Machine } from './machine.ts'
import type { TurnTask } from './serve-turn.ts'
import { fail } from './task.ts'

const workerTask = z.object({ run: z.string(), job: z.string() })

/**
 * Waits for a task of an activity. AWS answers after a minute at the latest.
 * @param finish ends the wait; a task that is handed over at that very moment is missed by its heartbeat, and another worker gets it
 * @returns undefined when there is none
 */
export async function pollActivity(
  { id, clients: { sfn }, say }: Pick<Machine, 'id' | 'clients' | 'say'>,
  activityArn: string,
  finish: AbortSignal,
): Promise<TurnTask | undefined> {
  try {
    const poll = new GetActivityTaskCommand({ activityArn, workerName: id.slice(0, LONGEST_WORKER_NAME) })
    const { taskToken: token = '', input = '' } = await sfn.send(poll, { abortSignal: finish })
    if (token === '') return undefined
    try {
      return { token, job: readTask(input).job }
    } catch (error) {
      if (!(error instanceof WrongJob)) throw error
      say(`${error.name}: ${error.message}`)
      await fail(sfn, token, error)
      return undefined
    }
  } catch (error) {
    if (finish.aborted) return undefined
    throw error
  }
}

// Source: Step Functions API reference, GetActivityTask.
const LONGEST_WORKER_NAME = 80

function readTask(input: string): WorkerTask {
  const parsed = workerTask.safeParse(JSON.parse(input))
  if (parsed.success) return parsed.data
  throw new WrongJob(`the activity's task is none of this version: ${z.prettifyError(parsed.error)}`)
}
