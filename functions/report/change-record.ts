import { setTimeout as sleep } from 'node:timers/promises'
import { type Bucket, claimJson, findObject } from '../shared/objects.ts'
import { HearthError } from '../shared/errors.ts'

/** Too many others change the same record at this moment. */
export class RecordContended extends HearthError {
  override name = 'RecordContended'
  override retryable = true
}

// Records of a few hundred bytes.
const LIMIT = 64 * 1024
// 40 Lambdas, as many as a run has lanes, are through after 40 rounds at the latest: each round somebody is.
const TRIES = 40

/**
 * Changes a small JSON record with conditional writes: whatever others do, no change is lost.
 * @param change undefined: it stays as it is
 * @returns what stands then, and whether this call changed it
 * @throws RecordContended
 */
export async function changeRecord<Shape>(
  state: Bucket,
  key: string,
  change: (known: Shape | undefined) => Shape | undefined,
): Promise<{ record: Shape | undefined; isChanged: boolean }> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const found = await findObject(state, key, LIMIT)
    const known = found && (JSON.parse(Buffer.from(found.bytes).toString('utf8')) as Shape)
    const changed = change(known)
    if (changed === undefined) return { record: known, isChanged: false }
    if (await claimJson(state, key, changed, found?.etag)) return { record: changed, isChanged: true }
    await sleep(Math.random() * 20 * (attempt + 1))
  }
  throw new RecordContended(`${key} is changed by others all the time: ${TRIES} tries`)
}
