import { describeError } from '../../functions/shared/errors.ts'
import type { Hand } from '../batch/hand.ts'
import { NobodyWaits } from '../machine/errors.ts'
import { isAnswerDue } from './answer-due.ts'
import { type Heartbeat, startHeartbeat } from './heartbeat.ts'
import type { Machine } from './machine.ts'
import { fail, succeed } from './task.ts'

/** A task that a machine owes an answer. */
export interface TurnTask {
  token: string
  /** key of the BuildJob of a new batch in the state bucket */
  job?: string
}

/**
 * Takes what a task brings into the hand, and answers it: when the hand is empty, or, if that is asked for, when there is something to say before. Whatever goes wrong
 * with the hand is the answer.
 * @param answers `early`: as docs/builders.md says; `last`: only when everything is staged
 * @returns why the hand is over, or undefined
 */
export async function serveTurn(
  { token, job }: TurnTask,
  hand: Hand,
  machine: Machine,
  answers: 'early' | 'last',
): Promise<Error | undefined> {
  const { clients, settings, refusal, id, say } = machine
  const heartbeat = startHeartbeat(clients.sfn, token, settings.heartbeatSeconds, say)
  const onLost = (): void => hand.drop(reasonOf(heartbeat))
  try {
    if (refusal !== undefined) hand.drop(refusal)
    await heartbeat.first
    if (heartbeat.lost.aborted) onLost()
    else heartbeat.lost.addEventListener('abort', onLost, { once: true })
    if (job !== undefined) hand.give(job)
    const turnSeconds = answers === 'early' ? settings.turnSeconds : Infinity
    const error = await untilAnswer(hand, turnSeconds)
    if (error !== undefined) return await answerFailure(error, token, machine)
    hand.forgetNews()
    const answer = { machine: id, isDone: hand.isEmpty, building: hand.building() }
    if (await succeed(clients.sfn, token, answer)) return undefined
    say('nobody waits for this batch any more')
    hand.drop(new NobodyWaits('the task was over before its answer'))
    return await hand.ended
  } finally {
    heartbeat.stop()
    heartbeat.lost.removeEventListener('abort', onLost)
  }
}

// 1 s: how late a turn may notice that its time has come.
const PAUSE_MILLISECONDS = 1000

/** @returns why the hand is over, or undefined when the machine is to answer */
async function untilAnswer(hand: Hand, turnSeconds: number): Promise<Error | undefined> {
  const begun = performance.now()
  for (;;) {
    if (hand.isOver) return hand.ended
    const { isEmpty, hasIdleSlots, news } = hand
    const seconds = (performance.now() - begun) / 1000
    if (isAnswerDue({ isEmpty, hasIdleSlots, news, seconds }, turnSeconds)) {
      // Whoever gets the answer looks for what is finished: it is not to lie in a parcel.
      await hand.flush()
      if (!hand.isOver) return undefined
    } else await hand.changed(PAUSE_MILLISECONDS)
  }
}

async function answerFailure(error: Error, token: string, { clients, say }: Machine): Promise<Error> {
  const { name, message } = describeError(error)
  say(`${name}: ${message}`)
  if (!(error instanceof NobodyWaits)) await fail(clients.sfn, token, error)
  return error
}

function reasonOf({ lost }: Heartbeat): Error {
  return lost.reason instanceof Error ? lost.reason : new NobodyWaits('the task is over')
}
