import { createHash } from 'node:crypto'
import {
  InvalidToken,
  SendTaskSuccessCommand,
  type SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn'
import type { Lane, ParkedLane, RunId, System, TakeAnswer } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { objectsUnder } from '../shared/list-objects.ts'
import { type Bucket, deleteObject, findJson, writeJson } from '../shared/objects.ts'

/** Answers a lane that waits. @returns false when it does not wait any more */
export async function answer(sfn: SFNClient, taskToken: string, output: TakeAnswer): Promise<boolean> {
  try {
    await sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }))
    return true
  } catch (error) {
    const isGone =
      error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken
    if (isGone) return false
    throw error
  }
}

/**
 * Keeps a lane's token, for whoever sees that something is ready for it. Look again afterwards: it may have become ready just before. What the lane has left of
 * earlier, when it was given up waiting for, goes; a later one stays, and can be woken, whatever this one does.
 */
export async function park(state: Bucket, run: RunId, parked: ParkedLane): Promise<void> {
  const own = keyOf(run, parked)
  await writeJson(state, own, parked)
  // A lane asks again only when its last question is over, and the keys begin with the time of asking.
  for (const key of (await objectsUnder(state, stateKeys.parkedTokens(run, parked.lane))).keys())
    if (key < own) await deleteObject(state, key)
}

export async function unpark(state: Bucket, run: RunId, parked: ParkedLane): Promise<void> {
  await deleteObject(state, keyOf(run, parked))
}

function keyOf(run: RunId, { lane, since, token }: ParkedLane): string {
  return stateKeys.parkedLane(run, lane, since, createHash('sha256').update(token).digest('hex').slice(0, 16))
}

/** Tells a lane that is parked to look again. */
export async function wakeLane(
  { state, sfn }: { state: Bucket; sfn: SFNClient },
  run: RunId,
  lane: Lane,
): Promise<void> {
  for (const key of (await objectsUnder(state, stateKeys.parkedTokens(run, lane))).keys())
    await wakeParked({ state, sfn }, key)
}

/**
 * Wakes lanes that wait; they look for themselves what there is to do.
 * @param most lanes to wake, by system
 */
export async function wake(
  { state, sfn }: { state: Bucket; sfn: SFNClient },
  run: RunId,
  most: (system: System) => number,
): Promise<void> {
  const prefix = stateKeys.parkedLanes(run)
  const keys = [...(await objectsUnder(state, prefix)).keys()]
  const bySystem = Map.groupBy(keys, (key) => key.slice(prefix.length).replace(/-\d+\/.*/, ''))
  for (const [system, parked] of bySystem) {
    let left = most(system)
    for (const key of parked) {
      if (left < 1) break
      if (await wakeParked({ state, sfn }, key)) left--
    }
  }
}

/** @returns false when somebody else has woken it, or its time is up */
async function wakeParked({ state, sfn }: { state: Bucket; sfn: SFNClient }, key: string): Promise<boolean> {
  const parked = await findJson<ParkedLane>(state, key)
  if (parked === undefined) return false
  await deleteObject(state, key)
  return answer(sfn, parked.token, { verdict: 'look' })
}
