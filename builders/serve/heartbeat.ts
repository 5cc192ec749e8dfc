import { SendTaskHeartbeatCommand, type SFNClient } from '@aws-sdk/client-sfn'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../../functions/shared/errors.ts'
import { isTaskOver } from '../../functions/shared/task-answer.ts'
import { NobodyWaits } from '../machine/errors.ts'

/** Tells a task, over and over, that somebody works on it. */
export interface Heartbeat {
  /** resolves when the first one has been answered, or could not be sent */
  first: Promise<void>
  /** aborted with NobodyWaits when the task is over */
  lost: AbortSignal
  stop(): void
}

/** @param seconds between two heartbeats */
export function startHeartbeat(
  sfn: SFNClient,
  token: string,
  seconds: number,
  say: (line: string) => void,
): Heartbeat {
  const lost = new AbortController()
  const stopped = new AbortController()
  const beat = async (): Promise<void> => {
    try {
      await sfn.send(new SendTaskHeartbeatCommand({ taskToken: token }), { abortSignal: stopped.signal })
    } catch (error) {
      if (stopped.signal.aborted) return
      const { name, message } = describeError(error)
      if (isTaskOver(error)) lost.abort(new NobodyWaits(`the task of this batch is over (${name})`))
      // The client has tried for minutes. If the task does not wait any longer, the next heartbeat learns it.
      else say(`heartbeat: ${name}: ${message}`)
    }
  }
  const beatOn = async (): Promise<void> => {
    while (!lost.signal.aborted) {
      await sleep(seconds * 1000, undefined, { signal: stopped.signal })
      await beat()
    }
  }
  const first = beat()
  // ends by `stop` alone
  first.then(beatOn).catch(() => undefined)
  return { first, lost: lost.signal, stop: () => stopped.abort() }
}
