import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import { stateKeys } from '../shared/keys.ts'
import { type Bucket, claimJson, findObject } from '../shared/objects.ts'
import type { Published } from '../shared/records.ts'
import { NotReproducible } from './refusals.ts'

// 20 minutes: a Lambda lives 15 at most, so whoever wrote a record that long ago has finished or died.
const DEAD_AFTER_MS = 20 * 60 * 1000

/**
 * Fixes which build of a derivation stands, before anything of it is visible: the outputs of one derivation come from one build. Keyed by
 * output path, because different derivations can own the same one.
 * @param isVisible whether any output of the derivation can be seen by clients
 * @returns whether this build is the one that stands, or an identical one was first
 * @throws NotReproducible when another build with other bytes stands
 */
export async function claimPublication(
  state: Bucket,
  record: Published,
  isVisible: () => Promise<boolean>,
  now: () => number = Date.now,
): Promise<'ours' | 'identical'> {
  const paths = Object.values(record.outputs).map(({ storePath }) => storePath)
  const key = stateKeys.published(hashPartOf(firstOf(paths)))
  if (await claimJson(state, key, record)) return 'ours'
  const found = await findObject(state, key, 1024 * 1024)
  // deleted between the two requests: the next look decides
  if (found === undefined) return claimPublication(state, record, isVisible, now)
  const standing = JSON.parse(Buffer.from(found.bytes).toString('utf8')) as Published
  const difference = firstDifference(standing, record)
  if (difference === undefined) return standing.build === record.build ? 'ours' : 'identical'
  // Its publisher died before anything was visible, and its builder's bytes may be gone: this build takes its place.
  const isDead = now() - found.lastModified.getTime() > DEAD_AFTER_MS
  if (isDead && !(await isVisible()) && (await claimJson(state, key, record, found.etag))) return 'ours'
  throw difference
}

function firstOf(paths: StorePath[]): StorePath {
  const [first] = paths.toSorted()
  if (first === undefined) throw new TypeError('a derivation without outputs')
  return first
}

function firstDifference(standing: Published, record: Published): NotReproducible | undefined {
  const published = new Map(
    Object.values(standing.outputs).map(({ storePath, narHash }) => [storePath, narHash]),
  )
  for (const { storePath, narHash } of Object.values(record.outputs)) {
    const stands = published.get(storePath)
    if (stands !== narHash) return new NotReproducible(storePath, stands ?? 'nothing', narHash)
  }
  return undefined
}
