import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import type { Bucket } from '../objects.ts'
import type { HashParts } from './hash-parts.ts'
import { changePaths, rebuildPaths } from './paths-object.ts'
import { readSegments, type SegmentKeys, type Segments } from './segments.ts'

// 32 segments are read in the time of one; many more would make every reader wait longer.
const MANY = 32

/**
 * An hour. Whoever writes `gone` deletes within 15 minutes, the life of a function; whoever saw the narinfo before then says so within 15 minutes more; and whoever
 * began to compact or to rebuild without knowing has ended in as many. So nothing that is written after an hour can bring back what was deleted.
 */
const GONE_IS_KEPT_MS = 60 * 60 * 1000

/** Whether a compaction is worth its while, at a time in milliseconds since 1970. */
export function isDue({ held, gone }: SegmentKeys, now: number): boolean {
  return held.length > MANY || gone.some((segment) => isOver(segment, now))
}

/**
 * Makes one object of the segments, and drops them. Harmless at any time, by any number of functions at once, and when it dies: the object is changed by a
 * conditional write, what a segment says is the same said twice, and segments go last, `held` before `gone`.
 * @param now milliseconds since 1970
 * @returns false when others were at the same work: the segments stay for the next one
 */
export async function compactIndex(state: Bucket, cache: Bucket, now = Date.now()): Promise<boolean> {
  const segments = await readSegments(state)
  const isChanged =
    (await changePaths(state, (held) => compacted(held, segments))) ||
    // An object that held only what the segments say would hide the rest of the cache.
    (await rebuildPaths(state, cache)).isWritten
  if (isChanged) await dropSegments(state, segments.keys, now)
  return isChanged
}

/** With everything that was seen, without everything that was deleted; undefined when that is so already. */
function compacted(held: HashParts, { held: seen, gone }: Segments): HashParts | undefined {
  const isNew = [...seen].some((hashPart) => !gone.has(hashPart) && !held.has(hashPart))
  const isThere = [...gone].some((hashPart) => held.has(hashPart))
  return isNew || isThere ? held.changed(seen, gone) : undefined
}

function isOver({ written }: SegmentKeys['gone'][number], now: number): boolean {
  return written + GONE_IS_KEPT_MS < now
}

const DELETIONS_AT_ONCE = 32

/**
 * Drops segments that are superfluous now: all of `held`, and what is old enough of `gone`, in this order.
 * @param now milliseconds since 1970, not later than the moment when they were listed
 */
export async function dropSegments(state: Bucket, { held, gone }: SegmentKeys, now: number): Promise<void> {
  const limit = pLimit(DELETIONS_AT_ONCE)
  const drop = async (Key: string): Promise<void> => {
    await state.s3.send(new DeleteObjectCommand({ Bucket: state.name, Key }))
  }
  await limit.map(held, drop)
  const over = gone.filter((segment) => isOver(segment, now))
  await limit.map(over, async ({ key }) => drop(key))
}
