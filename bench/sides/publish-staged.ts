import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { publishBatches } from '../../functions/publish/publish-batch.ts'
import { openCaches } from '../../functions/shared/caches.ts'
import type { BatchDerivation, Graph } from '../../functions/shared/contract.ts'
import type { Bucket } from '../../functions/shared/objects.ts'
import { parseSecretKey } from '../../nix/signature.ts'
import { benchS3, STAGING, STAGING_PREFIX } from '../bench-s3.ts'
import { type SmallPath, smallPaths } from '../small-paths.ts'

/**
 * Publishes the staged small paths into new buckets, as the Lambda does with one batch; prints the name of the cache's. It fails unless all become visible.
 * Arguments: the S3 endpoint, the secret key's file, how many.
 */
const [endpoint = '', keyFile = '', count = '0'] = process.argv.slice(2)
const s3 = benchS3(endpoint)
const paths = smallPaths(Number(count))
const run = randomBytes(6).toString('hex')
const [cache, state] = await Promise.all(['cache', 'state'].map(makeBucket))
if (cache === undefined || state === undefined) throw new Error('no buckets')
const build = {
  run,
  build: 'bench:bench',
  prefix: STAGING_PREFIX,
  graph: graphOf(paths),
  staging: { s3, name: STAGING },
  cache,
  state,
  caches: openCaches(cache, []),
  keys: [parseSecretKey(readFileSync(keyFile, 'utf8'))],
  maxNarSize: 1024 ** 3,
  largeNars: pLimit(4),
  verifiedSources: new Map(),
}
const batch = { build, derivations: paths.map(batchDerivation), before: [] }
const outcomes = (await publishBatches([batch], { lost: 'lost' })).outcomes.flat()
const published = outcomes.filter(({ outcome }) => outcome === 'published').length
if (published !== paths.length)
  throw new Error(
    `${published} of ${paths.length}: ${JSON.stringify(outcomes.find(({ error }) => error !== undefined))}`,
  )
process.stdout.write(`${cache.name}\n`)
s3.destroy()

async function makeBucket(kind: string): Promise<Bucket> {
  const name = `${kind}-${run}`
  await s3.send(new CreateBucketCommand({ Bucket: name }))
  return { s3, name }
}

function graphOf(all: SmallPath[]): Graph {
  const derivations = all.map(({ drvPath, path, name, needs }) => [
    drvPath,
    {
      name,
      system: 'x86_64-linux',
      outputs: { out: path },
      inputDrvs: Object.fromEntries(drvPathsOf(needs).map((need) => [need, ['out']])),
      inputSrcs: [],
      requiredSystemFeatures: [],
      allowSubstitutes: true,
    },
  ])
  return { version: 1, derivations: Object.fromEntries(derivations) as Graph['derivations'], sources: {} }
}

function batchDerivation({ drvPath, path, needs }: SmallPath): BatchDerivation {
  return { drvPath, outputs: { out: path }, inputs: [], needs: drvPathsOf(needs), path: 1, isAwaited: false }
}

function drvPathsOf(needs: number[]): SmallPath['drvPath'][] {
  return needs.flatMap((need) => paths[need]?.drvPath ?? [])
}
