import type { SFNClient } from '@aws-sdk/client-sfn'
import { createHash } from 'node:crypto'
import type { LaneWait, RunId } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { objectsUnder } from '../shared/list-objects.ts'
import { type Bucket, claimJson, deleteObject, findJson } from '../shared/objects.ts'
import { wake } from './parked-lanes.ts'

/** `runs/<run>/waiting/<waiting run>`: another run waits for what this one builds. */
interface Word {
  version: 1
  /** what this run had said when the other one looked at it */
  seen: string
}

/** Leaves word with the runs that a parked lane waits for. Look again afterwards: what it waits for may have come just before. */
export async function leaveWord(state: Bucket, run: RunId, waits: LaneWait[]): Promise<void> {
  for (const wait of waits) {
    if (wait.for !== 'run') continue
    const word: Word = { version: 1, seen: await saidBy(state, wait.run) }
    // Word that another lane has left before stands: what was said since, this one has seen, and that one has not.
    await claimJson(state, stateKeys.waitingRun(wait.run, run), word)
  }
}

/**
 * Wakes the lanes of other runs that wait for what this one builds, when it has said something since. They look for themselves, and leave word again if they have to;
 * two runs that wait for each other do not wake each other for nothing.
 */
export async function wakeWaitingRuns(
  services: { state: Bucket; sfn: SFNClient },
  run: RunId,
): Promise<void> {
  const { state } = services
  const prefix = stateKeys.waitingRuns(run)
  const keys = [...(await objectsUnder(state, prefix)).keys()]
  if (keys.length === 0) return
  const said = await saidBy(state, run)
  for (const key of keys) {
    const word = await findJson<Word>(state, key)
    if (word === undefined || word.seen === said) continue
    // Before they are woken: word that is left afterwards stands.
    await deleteObject(state, key)
    await wake(services, key.slice(prefix.length), {
      most: () => Number.POSITIVE_INFINITY,
      mayWake: () => true,
    })
  }
}

/** Everything that a run has said of its batches, in 64 digits. */
async function saidBy(state: Bucket, run: RunId): Promise<string> {
  const hash = createHash('sha256')
  for (const { key, etag } of (await objectsUnder(state, stateKeys.outcomes(run))).values())
    hash.update(`${key} ${etag}\n`)
  return hash.digest('hex')
}
