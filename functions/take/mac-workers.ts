import type { System } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { type Bucket, listObjects } from '../shared/objects.ts'

// Workers leave a sign of life every minute; 3 minutes without one are not a hiccup.
const SILENCE_MS = 3 * 60 * 1000

/** Whether a machine that nobody starts, such as a Mac with `hearth worker`, is there for a system. */
export async function isWorkerThere(state: Bucket, system: System, now: Date): Promise<boolean> {
  const signs = await listObjects(state, stateKeys.workers(system))
  return [...signs.values()].some(({ lastModified }) => now.getTime() - lastModified.getTime() < SILENCE_MS)
}
