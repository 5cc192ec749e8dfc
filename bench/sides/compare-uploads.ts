import { readFileSync } from 'node:fs'
import pLimit from 'p-limit'
import { openParcels } from '../../functions/publish/parcels.ts'
import { readStagedNar } from '../../functions/publish/read-staged-nar.ts'
import { readStagedNarInfo } from '../../functions/publish/staged-result.ts'
import { fingerprint, parseNarInfo } from '../../nix/narinfo.ts'
import { hashPartOf, parseStorePath } from '../../nix/store-path.ts'
import { benchS3, STAGING_PREFIX } from '../bench-s3.ts'

/**
 * Fails unless the staging bucket has every path as Publish wants it, its NAR with the hashes that its narinfo says, and the HTTP store says the same of it.
 * Arguments: the S3 endpoint, the bucket, the store's URL, a file with the paths.
 */
const [endpoint = '', bucket = '', url = '', list = ''] = process.argv.slice(2)
const s3 = benchS3(endpoint)
const staging = { s3, name: bucket }
const parcels = await openParcels(staging, STAGING_PREFIX)
const build = { staging, prefix: STAGING_PREFIX, parcels, maxNarSize: Infinity, largeNars: pLimit(1) }
for (const path of readFileSync(list, 'utf8').split('\n').filter(Boolean).map(parseStorePath)) {
  const staged = await readStagedNarInfo(build, path)
  await readStagedNar(build, staged, [])
  const response = await fetch(`${url}/${hashPartOf(path)}.narinfo`)
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  const copied = parseNarInfo(await response.text())
  if (fingerprint(staged) !== fingerprint(copied) || copied.compression !== 'zstd')
    throw new Error(`${path}: the two say different things of it`)
}
s3.destroy()
