import type { RunId, System } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { objectsUnder } from '../shared/list-objects.ts'
import { type Bucket, writeJson } from '../shared/objects.ts'

// Workers leave a sign of life every minute; 3 minutes without one are not a hiccup.
const SILENCE_MS = 3 * 60 * 1000

/** Whether a machine that nobody starts, such as a Mac with `hearth worker`, is there for a system. */
export async function isWorkerThere(state: Bucket, system: System, now: Date): Promise<boolean> {
  const signs = await objectsUnder(state, stateKeys.workers(system))
  return [...signs.values()].some(({ modified }) => now.getTime() - modified.getTime() < SILENCE_MS)
}

/**
 * Whether a run has waited long enough for a machine of a system. Then it is written down, so that Plan says so.
 */
export async function giveUpWaiting(
  state: Bucket,
  { run, wave, system, waitHours }: { run: RunId; wave: number; system: System; waitHours: number },
  now: Date,
): Promise<boolean> {
  const schedule = stateKeys.schedule(run, wave)
  const since = (await objectsUnder(state, schedule)).get(schedule)?.modified ?? now
  if (now.getTime() - since.getTime() < waitHours * 3_600_000) return false
  await writeJson(state, stateKeys.givenUp(run, system), { version: 1, system, waitHours })
  return true
}
