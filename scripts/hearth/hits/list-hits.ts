import pLimit from 'p-limit'
import type { Bucket } from '../../../functions/shared/objects.ts'
import { addUpShells, readHits, type ShellHits } from '../../../functions/shared/hits.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { listObjects } from '../../../functions/shared/list-objects.ts'

/** Where the paths of one shell came from, over the runs of some days. */
export interface RepositoryHits extends ShellHits {
  repository: string
}

const READS = 32
const DAY = /^(?<repository>.+)\/(?<day>\d{4}-\d\d-\d\d)\.json\.zst$/

/**
 * What the runs since a day had in caches, and what they built, by repository, shell and system: one listing, and one object for each repository and day.
 * @param since the first day (UTC), `2026-11-23`
 */
export async function listHits(state: Bucket, since: string, repository?: string): Promise<RepositoryHits[]> {
  const keys = new Map<string, string[]>()
  for await (const { key } of listObjects(state, stateKeys.hits(repository))) {
    const named = DAY.exec(key.slice(stateKeys.hits().length))?.groups
    if (named?.['repository'] === undefined || (named['day'] ?? '') < since) continue
    // in the order of their names, which is that of the days
    keys.set(named['repository'], [...(keys.get(named['repository']) ?? []), key])
  }
  const limit = pLimit(READS)
  const sums = await Promise.all(
    [...keys].map(async ([name, days]) => {
      const read = await limit.map(days, async (key) => readHits(state, key))
      const shells = addUpShells(read.flatMap(({ shells: ofDay }) => ofDay))
      return shells.map((shell) => ({ repository: name, ...shell }))
    }),
  )
  return sums.flat().toSorted((one, other) => nameOf(one).localeCompare(nameOf(other)))
}

function nameOf({ repository, system, attribute }: RepositoryHits): string {
  return `${repository} ${system} ${attribute}`
}
