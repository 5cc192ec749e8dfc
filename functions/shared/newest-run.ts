import type { EvaluationJob, RunId, Target } from './contract.ts'
import { stateKeys } from './keys.ts'
import { type Bucket, claimJson, findJson, findObject } from './objects.ts'
import type { DeletedRef } from './records.ts'

/** `refs/<repository>/<ref>.json`: the run that was started last for a ref. */
export interface NewestRun {
  version: 1
  run: RunId
  commit: string
  /** when its execution was started, ISO 8601 */
  started: string
}

// A record of a few hundred bytes.
const LIMIT = 64 * 1024

/**
 * Whether a ref's roots are to be kept: a ref that was found deleted is alive again when a run of it was started later. One of which no run is known is not.
 * @param deleted `refs/<repository>/deleted/<ref>.json`, if there is one
 */
export function isAlive(
  newest: Pick<NewestRun, 'started'> | undefined,
  deleted: Pick<DeletedRef, 'since'> | undefined,
): boolean {
  if (newest === undefined) return false
  return deleted === undefined || Date.parse(newest.started) > Date.parse(deleted.since)
}

/** Notes a run as the newest of its ref, unless one that was started later is noted already. */
export async function noteRun(
  state: Bucket,
  { repository, ref, commit }: Target,
  run: RunId,
  started: string,
): Promise<void> {
  const key = stateKeys.newestRun(repository, ref)
  for (;;) {
    const found = await findObject(state, key, LIMIT)
    const known = found && (JSON.parse(Buffer.from(found.bytes).toString('utf8')) as NewestRun)
    if (known !== undefined && Date.parse(known.started) >= Date.parse(started)) return
    const newest: NewestRun = { version: 1, run, commit, started }
    if (await claimJson(state, key, newest, found?.etag)) return
  }
}

/**
 * The run that makes another one pointless: started later, for another commit of the same ref. Whoever warms an older commit than the newest by hand means it.
 */
export async function supersededBy(
  state: Bucket,
  { run, started, target: { repository, ref, commit } }: Pick<EvaluationJob, 'run' | 'started' | 'target'>,
): Promise<NewestRun | undefined> {
  const newest = await findJson<NewestRun>(state, stateKeys.newestRun(repository, ref))
  if (newest === undefined || newest.run === run || newest.commit === commit) return undefined
  const isLater = started === undefined || Date.parse(newest.started) > Date.parse(started)
  return isLater ? newest : undefined
}
