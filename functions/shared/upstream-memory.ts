import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import type { NarInfo } from '../../nix/narinfo.ts'
import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import type { Upstream } from './contract.ts'
import { stateKeys } from './keys.ts'
import { type Bucket, findObject, isConditionFailed, isMissing } from './objects.ts'

/** What one must know of a path that a cache has. */
export type KnownPath = Pick<NarInfo, 'storePath' | 'narHash' | 'narSize' | 'references'>

/** What upstreams were found to have: kept in the state bucket, for all runs. */
export interface UpstreamMemory {
  /** What the upstream was found to have less than a day ago; undefined when it must be asked. */
  recall(upstream: Upstream, path: StorePath): Promise<KnownPath | undefined>
  /** Keeps what the upstream just answered, with a signature by one of its declared keys. What it lacks is never kept: it may have it a moment later. */
  note(upstream: Upstream, info: KnownPath): void
  /** Writes down what was noted. Others may write at the same time: nothing of theirs is lost. */
  save(): Promise<void>
  /** how many requests the memory has made so far */
  requests(): number
}

// 24 hours: upstreams keep what they have for years, and a path that one of them lost is noticed within a day.
const EXPIRES_MS = 24 * 60 * 60 * 1000

// An upstream's answers are in 32 objects, by the first digit of the hash part: of 20,000 paths each has 625, some 150 kB compressed.
const SHARD_DIGITS = 1
// 8,000 paths in each of 32 shards are a quarter of a million: three of the largest closures. 8 MB of JSON at most for usual references.
const SHARD_PATHS = 8000
// 16 MiB of file and 64 MiB of text: only a shard of unusual paths comes near, and then it is begun anew.
const LIMITS = { file: 16 * 1024 ** 2, text: 64 * 1024 ** 2 }
// Others save the same shard at the same moment: after 5 losses it is dropped, because it only saves questions.
const TRIES = 5

/** path -> NarHash, NarSize, references, when it was asked (milliseconds since 1970) */
type Shard = Record<StorePath, [narHash: string, narSize: number, references: StorePath[], asked: number]>

interface OpenShard {
  stored: Promise<{ paths: Shard; etag: string | undefined }>
  noted: Shard
}

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** @param now for tests */
export function openUpstreamMemory(state: Bucket, now: () => number = Date.now): UpstreamMemory {
  const shards = new Map<string, OpenShard>()
  let requests = 0

  function open(upstream: Upstream, path: StorePath): OpenShard {
    const key = stateKeys.upstream(idOf(upstream), hashPartOf(path).slice(0, SHARD_DIGITS))
    const shard = shards.get(key) ?? { stored: read(key), noted: {} }
    shards.set(key, shard)
    return shard
  }

  async function read(key: string): Promise<{ paths: Shard; etag: string | undefined }> {
    requests++
    const found = await findObject(state, key, LIMITS.file)
    if (found === undefined) return { paths: {}, etag: undefined }
    const text = await decompress(found.bytes, { maxOutputLength: LIMITS.text })
    return { paths: JSON.parse(text.toString('utf8')) as Shard, etag: found.etag }
  }

  async function save(key: string, { stored, noted }: OpenShard): Promise<void> {
    let { paths, etag } = await stored
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      if (await replace(key, merge(paths, noted, now() - EXPIRES_MS), etag)) return
      ;({ paths, etag } = await read(key))
    }
  }

  async function replace(key: string, paths: Shard, etag: string | undefined): Promise<boolean> {
    requests++
    try {
      await state.s3.send(
        new PutObjectCommand({
          Bucket: state.name,
          Key: key,
          Body: await compress(Buffer.from(JSON.stringify(paths))),
          ContentType: 'application/zstd',
          ...(etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag }),
        }),
      )
      return true
    } catch (error) {
      if (isConditionFailed(error) || isMissing(error)) return false
      throw error
    }
  }

  return {
    async recall(upstream, path) {
      const { stored, noted } = open(upstream, path)
      const [narHash, narSize, references, asked] = noted[path] ?? (await stored).paths[path] ?? NEVER
      return asked + EXPIRES_MS > now() ? { storePath: path, narHash, narSize, references } : undefined
    },
    note(upstream, { storePath, narHash, narSize, references }) {
      open(upstream, storePath).noted[storePath] = [narHash, narSize, references, now()]
    },
    async save() {
      const changed = [...shards].filter(([, { noted }]) => Object.keys(noted).length > 0)
      await Promise.all(changed.map(([key, shard]) => save(key, shard)))
      for (const [key] of changed) shards.delete(key)
    },
    requests: () => requests,
  }
}

const NEVER: Shard[StorePath] = ['', 0, [], Number.NEGATIVE_INFINITY]

/** Another URL, or other keys, is another upstream: what one answered says nothing about the other. */
function idOf({ url, publicKeys }: Upstream): string {
  return createHash('sha256')
    .update([url, ...publicKeys.toSorted()].join('\n'))
    .digest('hex')
    .slice(0, 32)
}

/** What is still worth knowing of both, the newest first when there is too much. */
function merge(stored: Shard, noted: Shard, expired: number): Shard {
  const all = Object.entries({ ...stored, ...noted }).filter(([, [, , , asked]]) => asked > expired)
  const kept =
    all.length <= SHARD_PATHS ? all : all.toSorted(([, a], [, b]) => b[3] - a[3]).slice(0, SHARD_PATHS)
  return Object.fromEntries(kept)
}
