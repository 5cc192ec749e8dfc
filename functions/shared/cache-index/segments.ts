import { randomUUID } from 'node:crypto'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { HearthError } from '../errors.ts'
import { stateKeys } from '../keys.ts'
import { listObjects } from '../list-objects.ts'
import { type Bucket, findObject } from '../objects.ts'
import { HashParts } from './hash-parts.ts'

/** The names of segments: of what was written down since the last compaction. */
export interface SegmentKeys {
  held: string[]
  /** with the time when they were written, milliseconds since 1970 */
  gone: { key: string; written: number }[]
}

export interface Segments {
  /** hash parts of narinfos that somebody saw, or made visible */
  held: Set<string>
  /** hash parts of narinfos that somebody was about to delete: what else the index says of these does not count */
  gone: Set<string>
  keys: SegmentKeys
  /** ETag of `index/paths.zst` as it was then; undefined when there was none */
  pathsEtag: string | undefined
  /** that were made to read all this */
  requests: number
}

/** Whoever reads the index finds another half each time. */
export class IndexUnsettled extends HearthError {
  override name = 'IndexUnsettled'
  override retryable = true
}

// 512 MiB: what is unpacked may have as much, and is never smaller.
export const OBJECT_LIMIT = 512 * 1024 ** 2
const READS_AT_ONCE = 64
// A compaction comes in between once in 64 segments or in an hour: losing to 10 in a row is no chance.
const TRIES = 10

/** The hash parts in one object of the index. */
export async function findHashParts(
  state: Bucket,
  key: string,
): Promise<{ hashParts: HashParts; etag: string } | undefined> {
  const found = await findObject(state, key, OBJECT_LIMIT)
  return found && { hashParts: await HashParts.unpack(key, found.bytes), etag: found.etag }
}

/**
 * Every segment, as of one moment. What is `gone` is listed before what is `held`, and that before `index/paths.zst`; a compaction first changes `paths.zst`, then deletes
 * segments of `held`, then of `gone`. So whatever a listing lacks because it was compacted is in `paths.zst` as that listing names it, or a later one, and a segment of
 * `held` is never read beside the absence of one of `gone` that says otherwise. If something that was listed is not there any more, all is read again.
 * @throws IndexUnsettled, IndexDamaged
 */
export async function readSegments(state: Bucket): Promise<Segments> {
  let requests = 0
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const listed = await listSegments(state)
    requests += listed.requests
    const segments: Segments = { ...listed, held: new Set(), gone: new Set() }
    const limit = pLimit(READS_AT_ONCE)
    const read = async (key: string, into: Set<string>): Promise<boolean> => {
      requests++
      const found = await findHashParts(state, key)
      for (const hashPart of found?.hashParts ?? []) into.add(hashPart)
      return found !== undefined
    }
    const areRead = await Promise.all([
      ...listed.keys.held.map((key) => limit(read, key, segments.held)),
      ...listed.keys.gone.map(({ key }) => limit(read, key, segments.gone)),
    ])
    if (!areRead.includes(false)) return { ...segments, requests }
  }
  throw new IndexUnsettled(
    `${stateKeys.index} of ${state.name} was compacted ${TRIES} times while it was read`,
  )
}

// Source: S3 API reference, ListObjectsV2: a page never has more.
export const OBJECTS_OF_A_LISTING = 1000

const [GONE = '', HELD = ''] = [stateKeys.indexGone, stateKeys.indexHeld].map((keyOf) =>
  keyOf('').replace('.zst', ''),
)

/** The names of all segments, in the order in which `readSegments` needs them. */
export async function listSegments(
  state: Bucket,
): Promise<Pick<Segments, 'keys' | 'pathsEtag' | 'requests'>> {
  const keys: SegmentKeys = { held: [], gone: [] }
  let pathsEtag: string | undefined
  let listed = 0
  for await (const { key, modified, etag } of listObjects(state, stateKeys.index)) {
    listed++
    if (key.startsWith(GONE)) keys.gone.push({ key, written: modified.getTime() })
    else if (key.startsWith(HELD)) keys.held.push(key)
    else if (key === stateKeys.indexPaths) pathsEtag = etag
  }
  return { keys, pathsEtag, requests: Math.max(1, Math.ceil(listed / OBJECTS_OF_A_LISTING)) }
}

/** Writes down that these narinfos are visible. Only what was seen in the last minutes may be written, by a function that lives 15 minutes at most. */
export async function writeHeld(state: Bucket, hashParts: Iterable<string>): Promise<void> {
  await write(state, stateKeys.indexHeld(randomUUID()), hashParts)
}

/**
 * Writes down that these narinfos are about to be deleted: from here on nobody who reads the index takes them for visible. To be awaited before the first is deleted;
 * what is not deleted within the same call of a function needs another call of this. A narinfo that stays after all, or comes again, costs a request until a
 * compaction forgets this.
 */
export async function writeGone(state: Bucket, hashParts: Iterable<string>): Promise<void> {
  await write(state, stateKeys.indexGone(randomUUID()), hashParts)
}

/** A name of its own each time: two who write the same never share an object, of which one would be dropped with the other. */
async function write(state: Bucket, key: string, hashParts: Iterable<string>): Promise<void> {
  const Body = await HashParts.of(hashParts).pack()
  await state.s3.send(
    new PutObjectCommand({ Bucket: state.name, Key: key, Body, ContentType: 'application/zstd' }),
  )
}
