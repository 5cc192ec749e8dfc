import { createHash } from 'node:crypto'
import type { SFNClient } from '@aws-sdk/client-sfn'
import type { Lane, ParkedLane, RunId, System, TakeAnswer } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { objectsUnder } from '../shared/list-objects.ts'
import { type Bucket, deleteObject, findJson, writeJson } from '../shared/objects.ts'
import { succeedTask } from '../shared/task-answer.ts'

/** Answers a lane that waits. @returns false when it does not wait any more */
export function answer(sfn: SFNClient, taskToken: string, output: TakeAnswer): Promise<boolean> {
  return succeedTask(sfn, taskToken, output)
}

/**
 * Keeps a lane's token, for whoever sees that something is ready for it. Look again afterwards: it may have become ready just before. What the lane has left of
 * earlier, when it was given up waiting for, goes; a later one stays, and can be woken, whatever this one does.
 */
export async function park(state: Bucket, run: RunId, parked: ParkedLane): Promise<void> {
  const own = keyOf(run, parked)
  await writeJson(state, own, parked)
  await forget(state, run, parked.lane, own)
}

/** Deletes what a lane has left of earlier than a key, or a time. A lane asks again only when its last question is over, and the keys begin with the time of asking. */
async function forget(state: Bucket, run: RunId, lane: Lane, before: string): Promise<void> {
  for (const key of (await objectsUnder(state, stateKeys.parkedTokens(run, lane))).keys())
    if (key < before) await deleteObject(state, key)
}

/** A lane that is over leaves nothing that looks as if it waited. */
export async function forgetParked(state: Bucket, run: RunId, lane: Lane, since: string): Promise<void> {
  await forget(state, run, lane, `${stateKeys.parkedTokens(run, lane)}${since}`)
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
 * @param which how many at most, by system, and which of them
 */
export async function wake(
  { state, sfn }: { state: Bucket; sfn: SFNClient },
  run: RunId,
  which: { most: (system: System) => number; mayWake: (parked: ParkedLane) => boolean },
): Promise<void> {
  const prefix = stateKeys.parkedLanes(run)
  const keys = [...(await objectsUnder(state, prefix)).keys()]
  const bySystem = Map.groupBy(keys, (key) => key.slice(prefix.length).replace(/-\d+\/.*/, ''))
  for (const [system, parked] of bySystem) {
    let left = which.most(system)
    for (const key of parked) {
      if (left < 1) break
      if (await wakeParked({ state, sfn }, key, which.mayWake)) left--
    }
  }
}

/** @returns false when it is left alone, when somebody else has woken it, or when its time is up */
async function wakeParked(
  { state, sfn }: { state: Bucket; sfn: SFNClient },
  key: string,
  mayWake: (parked: ParkedLane) => boolean = () => true,
): Promise<boolean> {
  const parked = await findJson<ParkedLane>(state, key)
  if (parked === undefined || !mayWake(parked)) return false
  await deleteObject(state, key)
  return answer(sfn, parked.token, { verdict: 'look' })
}
