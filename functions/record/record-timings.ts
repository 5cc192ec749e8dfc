import { stateKeys } from '../shared/keys.ts'
import { type Bucket, claimJson, findObject } from '../shared/objects.ts'
import type { Timings } from '../shared/records.ts'
import { addSamples, type Sample } from './timings.ts'

// 1 MiB: ten samples have 2 kB.
const LIMIT = 1024 * 1024
// Runs that end at the same moment and built the same package: at each look one of them wins, and eight of them are rare.
const LOOKS = 8

/**
 * Adds samples to what is known of a package. Other runs may do so at the same moment: nothing of theirs is lost.
 * @returns false when others were faster each time: an estimate of Plan's is a little older then, and nothing else
 */
export async function recordTimings(state: Bucket, packageName: string, samples: Sample[]): Promise<boolean> {
  const key = stateKeys.timings(packageName)
  for (let look = 1; look <= LOOKS; look++) {
    const found = await findObject(state, key, LIMIT)
    const known =
      found === undefined ? undefined : (JSON.parse(Buffer.from(found.bytes).toString('utf8')) as Timings)
    if (await claimJson(state, key, addSamples(known, samples), found?.etag)) return true
  }
  return false
}
