import type { S3Client } from '@aws-sdk/client-s3'
import { join } from 'node:path'
import type { StorePath } from '../../nix/store-path.ts'
import { importArchive } from '../machine/archive.ts'
import { ArchiveRefused } from '../machine/errors.ts'
import type { BuildTask } from '../machine/job.ts'
import type { LocalStore, StoreUse } from '../machine/local-store.ts'
import { type PlannedDerivation, readBatch } from './batch.ts'
import { fetchInputs } from './fetch-inputs.ts'
import type { RunMemory } from './run-memory.ts'

/** What the preparation of a batch works with. */
export interface PreparationParts {
  s3: S3Client
  stateBucket: string
  cacheBucket: string
  store: LocalStore
  /** for files on their way */
  folder: string
  environment: Record<string, string>
  memory: RunMemory
  say: (line: string) => void
  /** whether this machine has had a derivation of an earlier batch */
  isInHand: (drvPath: StorePath) => boolean
  /** what others are built on, or are going to be */
  use: StoreUse
}

/** A batch whose inputs are in the store. */
export interface PreparedBatch {
  derivations: PlannedDerivation[]
  /** what this machine has built before, and need not build again */
  usable: Set<PlannedDerivation>
  /** for each derivation that lacks some, the inputs that no cache has */
  missing: Map<StorePath, StorePath[]>
  /** closure of the sources of whatever can be built */
  sources: Set<StorePath>
}

/**
 * Brings everything into the store that a batch is built on. Other batches may be built meanwhile: nothing of theirs is touched.
 * @throws ArchiveRefused
 */
export async function prepareBatch(job: BuildTask, parts: PreparationParts): Promise<PreparedBatch> {
  const { s3, cacheBucket, memory, say, store, use } = parts
  const derivations = await readImported(job, parts)
  say(`batch ${job.batch} of ${derivations.length} derivations for ${job.system}`)
  const { known, built } = memory
  const { upstreams, publicKeys } = job
  const cache = { s3, name: cacheBucket }
  const published = async (paths: StorePath[]) => known.find(paths, cache, upstreams)
  const { usable, kept } = await built.takeUp(derivations, store, published, use)
  const toBuild = derivations.filter((derivation) => !usable.has(derivation))
  const missing = await fetchInputs(toBuild, store, { ...parts, publicKeys, upstreams, known })
  // Nix would take such an output for built, and nobody knows on what: another machine has to build it.
  for (const { drvPath, outputs } of toBuild) {
    const unsure = outputs.filter((path) => kept.has(path))
    if (unsure.length > 0) missing.set(drvPath, [...(missing.get(drvPath) ?? []), ...unsure])
  }
  const sources = await closureOfSources({ derivations, usable, missing }, store)
  return { derivations, usable, missing, sources }
}

/** Once a machine has a derivation it has all that it needs: another batch of the same run imports nothing. */
async function readImported(
  job: BuildTask,
  { s3, stateBucket, folder, environment, store, isInHand }: PreparationParts,
): Promise<PlannedDerivation[]> {
  const drvPaths = job.derivations.map(({ drvPath }) => drvPath)
  if ((await store.invalid(drvPaths)).size > 0) {
    const from = { s3, bucket: stateBucket, ...job.archive }
    await importArchive(from, join(folder, 'archive.zst'), environment)
  }
  const invalid = await store.invalid(drvPaths)
  if (invalid.size > 0) {
    throw new ArchiveRefused(
      `the evaluation's archive does not hold ${[...invalid].join(', ')}, which the batch builds`,
    )
  }
  return readBatch(job.derivations, isInHand)
}

async function closureOfSources(
  { derivations, usable, missing }: Omit<PreparedBatch, 'sources'>,
  store: LocalStore,
): Promise<Set<StorePath>> {
  const complete = derivations.filter(({ drvPath }) => !missing.has(drvPath))
  const sources = complete.flatMap(({ sources }) => sources)
  const toBuild = complete.filter((derivation) => !usable.has(derivation))
  await store.preload([...new Set([...sources, ...toBuild.flatMap(({ inputs }) => inputs)])])
  return new Set((await store.closure([...new Set(sources)])).map(({ path }) => path))
}
