import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import type { OutputDifference } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { type Bucket, claimJson, findObject } from '../shared/objects.ts'
import type { Published } from '../shared/records.ts'

/** The record of the build that stands, or that is to. */
export interface Standing {
  record: Published
  etag: string
  /** milliseconds since somebody last set out to finish it */
  age: number
}

// 64 MiB: a record has the references of all outputs of a derivation, some 60 bytes each, and each of its narinfos up to 1 MiB of them.
const RECORD_LIMIT = 64 * 1024 * 1024

// 20 minutes: a Lambda lives 15 at most, so whoever began that long ago has finished or died.
const DEAD_AFTER_MS = 20 * 60 * 1000
// 4 minutes: whoever goes on with a record that young has his whole life of 15 minutes before anybody may call him dead.
const RENEW_AFTER_MS = 4 * 60 * 1000

/** The build of a derivation that stands. Keyed by output path, because different derivations can own the same one. */
export async function findStanding(
  state: Bucket,
  outputs: StorePath[],
  now: () => number = Date.now,
): Promise<Standing | undefined> {
  const found = await findObject(state, keyOf(outputs), RECORD_LIMIT)
  if (found === undefined) return undefined
  const record = JSON.parse(Buffer.from(found.bytes).toString('utf8')) as Published
  return { record, etag: found.etag, age: now() - found.lastModified.getTime() }
}

/**
 * Fixes which build of a derivation stands, before anything of it is visible: the outputs of one derivation come from one build.
 * @param instead of this one, if it is still there as it was read
 * @returns false when somebody else was first
 */
export async function claim(state: Bucket, record: Published, instead?: Standing): Promise<boolean> {
  return claimJson(state, keyOf(pathsOf(record)), record, instead?.etag)
}

/**
 * Says that somebody is at work on a record, so that nobody takes him for dead.
 * @returns false when it is not there any more as it was read
 */
export async function renew(
  state: Bucket,
  standing: Standing,
  now: () => number = Date.now,
): Promise<boolean> {
  if (standing.age < RENEW_AFTER_MS) return true
  // Another `begun` is another ETag: who would replace the record that he read finds that it has changed.
  return claim(state, { ...standing.record, begun: new Date(now()).toISOString() }, standing)
}

/** Whether whoever set out to finish it may still be at work. */
export function isAtWork({ age }: Standing): boolean {
  return age <= DEAD_AFTER_MS
}

/** Where the outputs of another build are other bytes than those that stand. */
export function differencesTo(
  standing: Published,
  built: { storePath: StorePath; narHash: string }[],
): OutputDifference[] {
  const hashes = new Map(
    Object.values(standing.outputs).map(({ storePath, narHash }) => [storePath, narHash]),
  )
  return built.flatMap(({ storePath, narHash }) => {
    const published = hashes.get(storePath) ?? 'nothing'
    return published === narHash ? [] : [{ storePath, published, built: narHash }]
  })
}

function pathsOf({ outputs }: Published): StorePath[] {
  return Object.values(outputs).map(({ storePath }) => storePath)
}

function keyOf(outputs: StorePath[]): string {
  const [first] = outputs.toSorted()
  if (first === undefined) throw new TypeError('a derivation without outputs')
  return stateKeys.published(hashPartOf(first))
}
