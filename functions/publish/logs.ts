import { cacheKeys, stagedKeys, stateKeys } from '../shared/keys.ts'
import { copyObject } from '../shared/objects.ts'
import type { Publication } from './publication.ts'

// Builders compress logs with brotli, as Nix's own `log-compression=br` does.
const LOG = { contentType: 'text/plain; charset=utf-8', contentEncoding: 'br' }

/**
 * Keeps the log of what is published, if one was staged, where `nix log` finds it.
 * @param prefix of the build that stands
 */
export async function publishLog(
  { staging, cache }: Publication,
  prefix: string,
  drvBaseName: string,
): Promise<void> {
  await copyObject(
    { ...staging, key: stagedKeys.log(prefix, drvBaseName) },
    { ...cache, key: cacheKeys.log(drvBaseName) },
    LOG,
  )
}

/** Keeps the log of what failed, if one was staged, with the run. */
export async function keepLog(
  { staging, state, prefix, run }: Publication,
  drvBaseName: string,
): Promise<void> {
  await copyObject(
    { ...staging, key: stagedKeys.log(prefix, drvBaseName) },
    { ...state, key: stateKeys.log(run, drvBaseName) },
    LOG,
  )
}
