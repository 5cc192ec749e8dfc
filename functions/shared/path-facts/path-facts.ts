import { stateKeys } from '../keys.ts'
import { type Bucket, claimBytes, findObject } from '../objects.ts'
import { dayOf, holdsFor, isExpired, type PathFact } from './fact.ts'
import { packShard, unpackShard } from './shard-file.ts'

/** What is known of paths without asking a cache: kept in the state bucket, for all runs. */
export interface PathFacts {
  /** Reads what is remembered of these paths; what was read before is not read again. */
  load(hashParts: Iterable<string>): Promise<void>
  /** What is known of a path that was loaded, or noted; undefined when it must be asked for. */
  known(hashPart: string): PathFact | undefined
  /** Keeps what was just learnt. That no cache has a path is never kept: one may have it a moment later. */
  note(hashPart: string, fact: Omit<PathFact, 'day'>): void
  /** Writes down what was noted. Others may write at the same time: what is lost then costs a question. */
  save(): Promise<void>
  /** how many requests this has made so far */
  requests(): number
}

// By the first digit of the hash part, which has 32 values: of 5,000 paths each object has 160, some 20 kB compressed.
const SHARD_DIGITS = 1
// A million hash parts in each of 32 shards, those that are referred to among them, are three million paths: thirty of the largest closures. As text they have 33 MB.
const SHARD_HASH_PARTS = 1_000_000
// 32 MiB: a million hash parts have 21, because nothing makes 160 random bits smaller.
const FILE_LIMIT = 32 * 1024 ** 2
// Runs end at the same time now and then. After 5 losses the rest is dropped: the next run asks again.
const TRIES = 5
// Each is some 10 MB while it is packed.
const SAVED_AT_ONCE = 4

interface OpenShard {
  stored: Map<string, PathFact>
  etag: string | undefined
  noted: Map<string, PathFact>
}

/**
 * @param sources all caches that clients use, in the order of preference
 * @param now for tests
 */
export function openPathFacts(state: Bucket, sources: string[], now: () => number = Date.now): PathFacts {
  const shards = new Map<string, OpenShard>()
  const opening = new Map<string, Promise<void>>()
  const strings = new Map<string, string>()
  const today = dayOf(now())
  let requests = 0

  const intern = (text: string): string => {
    const known = strings.get(text)
    if (known !== undefined) return known
    strings.set(text, text)
    return text
  }
  const digitOf = (hashPart: string): string => hashPart.slice(0, SHARD_DIGITS)

  async function read(digit: string): Promise<Pick<OpenShard, 'stored' | 'etag'>> {
    requests++
    const found = await findObject(state, stateKeys.pathFacts(digit), FILE_LIMIT)
    const stored = found === undefined ? undefined : await unpackShard(found.bytes, intern)
    return { stored: stored ?? new Map<string, PathFact>(), etag: found?.etag }
  }

  async function open(digit: string): Promise<void> {
    shards.set(digit, { ...(await read(digit)), noted: new Map() })
  }

  async function save(digit: string, shard: OpenShard): Promise<void> {
    let { stored, etag } = shard
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const body = await packShard(merge(stored, shard.noted, today))
      requests++
      const key = stateKeys.pathFacts(digit)
      if (await claimBytes(state, key, body, { type: 'application/zstd', ifMatch: etag })) return
      ;({ stored, etag } = await read(digit))
    }
  }

  return {
    async load(hashParts) {
      const digits = new Set([...hashParts].map(digitOf))
      await Promise.all(
        [...digits].map(async (digit) => {
          const opened = opening.get(digit) ?? open(digit)
          opening.set(digit, opened)
          await opened
        }),
      )
    },
    known(hashPart) {
      const shard = shards.get(digitOf(hashPart))
      const fact = shard?.noted.get(hashPart) ?? shard?.stored.get(hashPart)
      return fact === undefined || isExpired(fact, today) || !holdsFor(fact, sources) ? undefined : fact
    },
    note(hashPart, { asked, fileSize, references }) {
      const fact = { asked, fileSize, references: references.map(intern), day: today }
      shards.get(digitOf(hashPart))?.noted.set(intern(hashPart), fact)
    },
    async save() {
      const changed = [...shards].filter(([, { noted }]) => noted.size > 0)
      for (let start = 0; start < changed.length; start += SAVED_AT_ONCE)
        await Promise.all(
          changed.slice(start, start + SAVED_AT_ONCE).map(([digit, shard]) => save(digit, shard)),
        )
    },
    requests: () => requests,
  }
}

/** What is still worth knowing of both, the newest first when there is too much. */
function merge(
  stored: ReadonlyMap<string, PathFact>,
  noted: ReadonlyMap<string, PathFact>,
  today: number,
): Map<string, PathFact> {
  const all = [...new Map([...stored, ...noted])].filter(([, fact]) => !isExpired(fact, today))
  let room = SHARD_HASH_PARTS
  const kept = all
    .toSorted(([, a], [, b]) => b.day - a.day)
    .filter(([, { references }]) => (room -= 1 + references.length) >= 0)
  return new Map(kept)
}
