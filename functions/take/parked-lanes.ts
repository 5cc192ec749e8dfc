import {
  InvalidToken,
  SendTaskSuccessCommand,
  type SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn'
import type { ParkedLane, RunId, System, TakeAnswer } from '../shared/contract.ts'
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

/** Keeps a lane's token, for whoever sees that something is ready for it. Look again afterwards: it may have become ready just before. */
export async function park(state: Bucket, run: RunId, lane: ParkedLane): Promise<void> {
  await writeJson(state, stateKeys.parkedLane(run, lane.lane), lane)
}

export async function unpark(state: Bucket, run: RunId, lane: ParkedLane['lane']): Promise<void> {
  await deleteObject(state, stateKeys.parkedLane(run, lane))
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
  const woken = new Map<System, number>()
  for (const key of (await objectsUnder(state, stateKeys.parkedLanes(run))).keys()) {
    const parked = await findJson<ParkedLane>(state, key)
    // somebody else has woken it
    if (parked === undefined) continue
    const { system } = parked.lane
    const before = woken.get(system) ?? 0
    if (before >= most(system)) continue
    await deleteObject(state, key)
    if (await answer(sfn, parked.token, { verdict: 'look' })) woken.set(system, before + 1)
  }
}
