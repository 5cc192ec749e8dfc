import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { hashPartOf, nameOf, type StorePath } from '../../nix/store-path.ts'
import type { System } from './contract.ts'
import { stateKeys } from './keys.ts'
import { type Bucket, claimBytes, findObject } from './objects.ts'

/** One build that was measured. */
export interface Sample {
  drvPath: StorePath
  system: System
  /** wall time of the build in seconds */
  seconds: number
}

/** How long builds of one package took, newest first. */
export type PackageTimings = Pick<Sample, 'system' | 'seconds'>[]

/** `timings.json.zst`: package -> its last builds, newest first: system, seconds, hash part of the derivation. */
interface Timings {
  version: 1
  packages: Record<string, [System, number, string][]>
}

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

// The last 5 builds tell how long the next one takes.
const KEEP = 5
// 20,000 packages have some 6 MB of text.
const LIMITS = { compressed: 64 * 1024 ** 2, text: 256 * 1024 ** 2 }
// Runs end at the same time now and then. Each loss is somebody's success, so 20 are for 20 runs that end within a second.
const TRIES = 20

/**
 * The package's name without its version: everything before the first dash that no letter follows. Source: Nix, `DrvName::DrvName`.
 * @param drvPath a derivation's store path
 */
export function packageNameOf(drvPath: StorePath): string {
  const name = nameOf(drvPath).replace(/\.drv$/, '')
  const version = name.search(/-[^A-Za-z]/)
  return version < 0 ? name : name.slice(0, version)
}

/** What was measured so far, by package. */
export async function readTimings(state: Bucket): Promise<(drvPath: StorePath) => PackageTimings> {
  const { packages } = (await find(state)).timings
  return (drvPath) => {
    const name = packageNameOf(drvPath)
    const known = Object.hasOwn(packages, name) ? (packages[name] ?? []) : []
    return known.map(([system, seconds]) => ({ system, seconds }))
  }
}

/** Adds what a run measured. Others may do so at the same time: nothing is lost, and a derivation counts once, however often it is recorded. */
export async function addTimings(state: Bucket, samples: Sample[]): Promise<void> {
  if (samples.length === 0) return
  for (let attempt = 1; ; attempt++) {
    const { timings, etag } = await find(state)
    const Body = await compress(Buffer.from(JSON.stringify(withSamples(timings, samples))))
    if (await claimBytes(state, stateKeys.timings, Body, { type: 'application/zstd', ifMatch: etag })) return
    if (attempt === TRIES) throw new Error(`others wrote ${stateKeys.timings} ${TRIES} times meanwhile`)
  }
}

export function withSamples({ packages }: Timings, samples: Sample[]): Timings {
  const byPackage = Map.groupBy(samples, ({ drvPath }) => packageNameOf(drvPath))
  const changed = [...byPackage].map(([name, fresh]) => {
    const hashes = new Set<string>(fresh.map(({ drvPath }) => hashPartOf(drvPath)))
    const older = (Object.hasOwn(packages, name) ? (packages[name] ?? []) : []).filter(
      ([, , hash]) => !hashes.has(hash),
    )
    const newer = fresh.map(({ drvPath, system, seconds }) => [system, seconds, hashPartOf(drvPath)] as const)
    return [name, [...newer, ...older].slice(0, KEEP)]
  })
  return { version: 1, packages: { ...packages, ...Object.fromEntries(changed) } }
}

async function find(state: Bucket): Promise<{ timings: Timings; etag: string | undefined }> {
  const found = await findObject(state, stateKeys.timings, LIMITS.compressed)
  if (found === undefined) return { timings: { version: 1, packages: {} }, etag: undefined }
  const text = await decompress(found.bytes, { maxOutputLength: LIMITS.text })
  return { timings: JSON.parse(text.toString('utf8')) as Timings, etag: found.etag }
}
