import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import type { RunId, ShellDownloads, System } from './contract.ts'
import { stateKeys } from './keys.ts'
import { type Bucket, claimBytes, findObject } from './objects.ts'
import { OUR_CACHE } from './path-facts/fact.ts'

/** `hits/<repository>/<day>.json.zst`: where the paths of a repository's shells came from on one day (UTC), added up over its runs. */
export interface HitsOfDay {
  version: 1
  /** those that were added: one that is recorded again changes nothing */
  runs: RunId[]
  shells: ShellHits[]
}

/** Sums over runs for one shell. Paths are those of the closures of its warm sets. */
export interface ShellHits {
  attribute: string
  system: System
  runs: number
  /** paths that our cache had before the run */
  cache: number
  /** paths by the upstream that has them */
  upstreams: Record<string, number>
  /** paths that the runs built */
  built: number
  /** paths that no cache had when the run ended */
  missing: number
  /** paths of which nobody could say */
  unknown: number
  /** derivations that were built, those among them that only building needs */
  derivations: number
  /** what these builds took together */
  buildSeconds: number
  /** what the newest run says would save builds */
  hint?: string
}

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

// A thousand shells have 300 kB of text.
const LIMITS = { file: 16 * 1024 ** 2, text: 64 * 1024 ** 2 }
// Each loss is somebody's success: 20 are for 20 runs of a repository that end within a second.
const TRIES = 20

/** What one run says of one shell. */
export function hitsOf({ attribute, system, sources, ...shell }: ShellDownloads): ShellHits {
  const ours = sources.find(({ source }) => source === OUR_CACHE)?.paths ?? 0
  const others = sources.filter(({ source }) => source !== OUR_CACHE)
  return {
    attribute,
    system,
    runs: 1,
    cache: ours - shell.builtPaths,
    upstreams: Object.fromEntries(others.map(({ source, paths }) => [source, paths])),
    built: shell.builtPaths,
    missing: shell.missing,
    unknown: shell.unknown,
    derivations: shell.built,
    buildSeconds: shell.buildSeconds,
    ...(shell.hint === undefined ? {} : { hint: shell.hint }),
  }
}

/** Sums of the same shell. @param later whose hint counts */
export function addUp(one: ShellHits, later: ShellHits): ShellHits {
  const upstreams: Record<string, number> = { ...one.upstreams }
  for (const [url, paths] of Object.entries(later.upstreams)) upstreams[url] = (upstreams[url] ?? 0) + paths
  const sum = (field: 'runs' | 'cache' | 'built' | 'missing' | 'unknown' | 'derivations' | 'buildSeconds') =>
    one[field] + later[field]
  return {
    attribute: one.attribute,
    system: one.system,
    runs: sum('runs'),
    cache: sum('cache'),
    upstreams,
    built: sum('built'),
    missing: sum('missing'),
    unknown: sum('unknown'),
    derivations: sum('derivations'),
    buildSeconds: sum('buildSeconds'),
    ...(later.hint === undefined ? {} : { hint: later.hint }),
  }
}

/** Sums by shell and system, in the order in which they were first met. */
export function addUpShells(all: Iterable<ShellHits>): ShellHits[] {
  const sums = new Map<string, ShellHits>()
  for (const hits of all) {
    const name = `${hits.system} ${hits.attribute}`
    const before = sums.get(name)
    sums.set(name, before === undefined ? hits : addUp(before, hits))
  }
  return [...sums.values()]
}

/**
 * Adds a run to the sums of its day. Others may do so at the same time: no sum loses a run, and one counts once, however often it is recorded.
 * @param day `2026-11-23`
 * @returns false when others wrote it each time: then the run is in no sum
 */
export async function addHits(
  state: Bucket,
  { repository, day, run }: { repository: string; day: string; run: RunId },
  shells: ShellDownloads[],
): Promise<boolean> {
  const key = stateKeys.hitsOfDay(repository, day)
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const { hits, etag } = await find(state, key)
    if (hits.runs.includes(run)) return true
    const added: HitsOfDay = {
      version: 1,
      runs: [...hits.runs, run],
      shells: addUpShells([...hits.shells, ...shells.map(hitsOf)]),
    }
    const body = await compress(Buffer.from(JSON.stringify(added)))
    if (await claimBytes(state, key, body, { type: 'application/zstd', ifMatch: etag })) return true
  }
  return false
}

/** The sums of a day; empty when there are none. */
export async function readHits(state: Bucket, key: string): Promise<HitsOfDay> {
  return (await find(state, key)).hits
}

async function find(state: Bucket, key: string): Promise<{ hits: HitsOfDay; etag: string | undefined }> {
  const found = await findObject(state, key, LIMITS.file)
  if (found === undefined) return { hits: { version: 1, runs: [], shells: [] }, etag: undefined }
  const text = await decompress(found.bytes, { maxOutputLength: LIMITS.text })
  return { hits: JSON.parse(text.toString('utf8')) as HitsOfDay, etag: found.etag }
}
