import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import type { Bucket } from '../objects.ts'
import type { HashParts } from './hash-parts.ts'
import { readSegments, type Segments } from './segments.ts'
import { changeShard, FIRST_DIGITS, rebuildShard } from './shards.ts'

// 32 segments are read at once, in the time of one; more than that would make every reader wait longer.
const MANY = 32

/**
 * An hour. Whoever writes `gone` deletes within 15 minutes, the life of a function; whoever saw the narinfo before then says so within 15 minutes more; and whoever
 * began to compact or to rebuild without knowing has ended in as many. So nothing that is written after an hour can bring back what was deleted.
 */
export const GONE_IS_KEPT_MS = 60 * 60 * 1000

/** Whether a compaction is worth its while. */
export function isDue({ heldKeys, goneKeys }: Pick<Segments, 'heldKeys' | 'goneKeys'>, now: number): boolean {
  return heldKeys.length > MANY || goneKeys.some((segment) => isOver(segment, now))
}

// As many shards at once: each is some megabytes in a large cache.
const SHARDS_AT_ONCE = 8
const DELETIONS_AT_ONCE = 32

/**
 * Writes what segments say into the shards, and drops the segments. Harmless at any time, by any number of functions at once, and when it dies: shards are changed
 * by conditional writes, what a segment says is the same said twice, and segments go last, `held` before `gone`.
 * @param now milliseconds since 1970
 * @returns false when others were at the same work: the segments stay for the next one
 */
export async function compactIndex(state: Bucket, cache: Bucket, now = Date.now()): Promise<boolean> {
  const segments = await readSegments(state)
  const limit = pLimit(SHARDS_AT_ONCE)
  const areChanged = await limit.map(FIRST_DIGITS, async (digit) =>
    segments.shards.has(digit)
      ? changeShard(state, digit, (shard) => compacted(digit, shard, segments))
      : // A shard that held only what the segments say would hide the rest of the cache.
        (await rebuildShard(state, cache, digit)).isWritten,
  )
  if (areChanged.includes(false)) return false
  await dropSegments(state, segments, now)
  return true
}

/** What a shard is to hold: with everything that was seen, without everything that was deleted. Undefined when that is so already. */
function compacted(digit: string, shard: HashParts, { held, gone }: Segments): Set<string> | undefined {
  const added = [...held].filter(
    (hashPart) => hashPart[0] === digit && !gone.has(hashPart) && !shard.has(hashPart),
  )
  const hasGone = [...gone].some((hashPart) => hashPart[0] === digit && shard.has(hashPart))
  if (added.length === 0 && !hasGone) return undefined
  return new Set([...shard, ...added].filter((hashPart) => !gone.has(hashPart)))
}

function isOver({ written }: Segments['goneKeys'][number], now: number): boolean {
  return written + GONE_IS_KEPT_MS < now
}

/**
 * Drops segments that the shards make superfluous: all of `held`, and what is old enough of `gone`, in this order.
 * @param now milliseconds since 1970, when they were listed
 */
export async function dropSegments(
  state: Bucket,
  { heldKeys, goneKeys }: Pick<Segments, 'heldKeys' | 'goneKeys'>,
  now: number,
): Promise<void> {
  const limit = pLimit(DELETIONS_AT_ONCE)
  const drop = async (Key: string): Promise<void> => {
    await state.s3.send(new DeleteObjectCommand({ Bucket: state.name, Key }))
  }
  await limit.map(heldKeys, drop)
  await limit.map(
    goneKeys.filter((segment) => isOver(segment, now)).map(({ key }) => key),
    drop,
  )
}
