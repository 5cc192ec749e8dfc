import pLimit from 'p-limit'
import { stateKeys } from '../shared/keys.ts'
import { objectsUnder } from '../shared/list-objects.ts'
import type { NewestRun } from '../shared/newest-run.ts'
import { type Bucket, readJson } from '../shared/objects.ts'
import type { DeletedRef } from '../shared/records.ts'

/** What is on record of a ref. */
export interface KnownRef {
  newest: NewestRun
  deleted?: DeletedRef
}

const REQUESTS = 16

/** What is on record of a repository's refs, by full ref. A ref of which no run is noted is not among them. */
export async function knownRefs(state: Bucket, repository: string): Promise<Map<string, KnownRef>> {
  const prefix = stateKeys.refs(repository)
  const keys = new Set((await objectsUnder(state, prefix)).keys())
  const refs = [...keys].flatMap((key) => {
    const name = key.slice(prefix.length, -'.json'.length)
    // records of deleted refs are in a folder of their own
    return name.includes('/') ? [] : [decodeURIComponent(name)]
  })
  const known = await pLimit(REQUESTS).map(refs, async (ref): Promise<[string, KnownRef]> => {
    const newest = await readJson<NewestRun>(state, stateKeys.newestRun(repository, ref))
    const key = stateKeys.deletedRef(repository, ref)
    return [ref, keys.has(key) ? { newest, deleted: await readJson<DeletedRef>(state, key) } : { newest }]
  })
  return new Map(known)
}
