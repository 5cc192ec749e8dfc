import { baseNameOf } from '../../nix/store-path.ts'
import { cacheKeys, stagedKeys, stateKeys } from '../shared/keys.ts'
import { type Bucket, copyObject, writeObject } from '../shared/objects.ts'
import type { Published } from '../shared/records.ts'
import { bytesOfPart } from './parcels.ts'
import type { Publication } from './publication.ts'

// Builders compress logs with brotli, as Nix's own `log-compression=br` does.
const LOG = { contentType: 'text/plain; charset=utf-8', contentEncoding: 'br' }

/** Keeps the log of a build that stands, if one was staged, where `nix log` finds it. */
export async function publishLog(
  publication: Publication,
  { drvPath, prefix, log }: Published,
): Promise<void> {
  if (log === 'none') return
  const { staging, cache } = publication
  const name = baseNameOf(drvPath)
  const key = stagedKeys.log(prefix, name)
  const to = { ...cache, key: cacheKeys.log(name) }
  if (log === undefined) return copyStagedLog({ ...staging, key }, to)
  const bytes = await bytesOfPart(publication, prefix, key, log)
  if (typeof bytes !== 'string') await writeObject(to, bytes, LOG)
}

/** Keeps the log of what failed, if one was staged, with the run. */
export async function keepLog(
  { staging, state, parcels, prefix, run }: Publication,
  drvBaseName: string,
): Promise<void> {
  const key = stagedKeys.log(prefix, drvBaseName)
  const to = { ...state, key: stateKeys.log(run, drvBaseName) }
  const parcelled = await parcels.find(key)
  if (parcelled === undefined) return copyStagedLog({ ...staging, key }, to)
  await writeObject(to, parcelled.bytes, LOG)
}

async function copyStagedLog(from: Bucket & { key: string }, to: Bucket & { key: string }): Promise<void> {
  await copyObject(from, to, LOG)
}
