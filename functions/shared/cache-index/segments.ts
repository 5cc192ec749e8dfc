import { randomUUID } from 'node:crypto'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { HearthError } from '../errors.ts'
import { stateKeys } from '../keys.ts'
import { listObjects } from '../list-objects.ts'
import { type Bucket, findObject } from '../objects.ts'
import { formatHashParts, HashParts } from './hash-parts.ts'

/** What was written down since the last compaction. */
export interface Segments {
  /** hash parts of narinfos that somebody saw, or made visible */
  held: Set<string>
  /** hash parts of narinfos that somebody was about to delete: what else the index says of these does not count */
  gone: Set<string>
  heldKeys: string[]
  /** with the time when they were written, milliseconds since 1970 */
  goneKeys: { key: string; written: number }[]
  /** first digits of hash parts whose shards there are */
  shards: Set<string>
  /** that were made to read all this */
  requests: number
}

/** Whoever reads the index finds another half each time. */
export class IndexUnsettled extends HearthError {
  override name = 'IndexUnsettled'
  override retryable = true
}

// 256 MiB packed: an object of the index has 20 bytes for each hash part.
export const OBJECT_LIMIT = 256 * 1024 ** 2
const READS_AT_ONCE = 64
// A compaction comes in between once in 64 segments or in an hour: losing to 10 in a row is no chance.
const TRIES = 10

/** The hash parts in one object of the index. */
export async function findHashParts(
  state: Bucket,
  key: string,
): Promise<{ hashParts: HashParts; etag: string } | undefined> {
  const found = await findObject(state, key, OBJECT_LIMIT)
  return found && { hashParts: await HashParts.read(key, found.bytes), etag: found.etag }
}

/**
 * Every segment, as of one moment. What is `gone` is listed before what is `held`, and that before the shards; a compaction first writes the shards, then deletes
 * what is in them of `held`, then of `gone`. So whatever a listing lacks, because it was compacted, is in a shard that is read later; and a segment of `held` is never
 * read beside the absence of a later one of `gone`. If something that was listed is not there any more, all is read again.
 * @throws IndexUnsettled, IndexDamaged
 */
export async function readSegments(state: Bucket): Promise<Segments> {
  let requests = 0
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const segments = await listSegments(state)
    requests += segments.requests
    const { heldKeys, goneKeys, held, gone } = segments
    const limit = pLimit(READS_AT_ONCE)
    const read = async (key: string, into: Set<string>): Promise<boolean> => {
      requests++
      const found = await findHashParts(state, key)
      for (const hashPart of found?.hashParts ?? []) into.add(hashPart)
      return found !== undefined
    }
    const areRead = await Promise.all([
      ...heldKeys.map((key) => limit(read, key, held)),
      ...goneKeys.map(({ key }) => limit(read, key, gone)),
    ])
    if (!areRead.includes(false)) return { ...segments, requests }
  }
  throw new IndexUnsettled(
    `${stateKeys.index} of ${state.name} was compacted ${TRIES} times while it was read`,
  )
}

// S3 lists 1,000 objects at once.
const PAGE = 1000

/** What there is of the index, unread: `held` and `gone` are empty. */
export async function listSegments(state: Bucket): Promise<Segments> {
  const segments: Segments = {
    held: new Set(),
    gone: new Set(),
    heldKeys: [],
    goneKeys: [],
    shards: new Set(),
    requests: 0,
  }
  const [gone, held, shard] = [stateKeys.indexGone, stateKeys.indexHeld, stateKeys.indexShard].map((keyOf) =>
    keyOf('').slice(0, -'.zst'.length),
  ) as [string, string, string]
  let listed = 0
  for await (const { key, modified } of listObjects(state, stateKeys.index)) {
    listed++
    if (key.startsWith(gone)) segments.goneKeys.push({ key, written: modified.getTime() })
    else if (key.startsWith(held)) segments.heldKeys.push(key)
    else if (key.startsWith(shard)) segments.shards.add(key.charAt(shard.length))
  }
  segments.requests = Math.max(1, Math.ceil(listed / PAGE))
  return segments
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
  const Body = await formatHashParts(hashParts)
  await state.s3.send(
    new PutObjectCommand({ Bucket: state.name, Key: key, Body, ContentType: 'application/zstd' }),
  )
}
