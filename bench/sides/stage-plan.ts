import { readFileSync } from 'node:fs'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { graphOf } from '../../functions/plan/graph-of.ts'
import { rebuildIndex } from '../../functions/shared/cache-index/rebuild.ts'
import type { GraphDerivation } from '../../functions/shared/contract.ts'
import { entries, writeGraph } from '../../functions/shared/graph.ts'
import { cacheKeys } from '../../functions/shared/keys.ts'
import type { Graph } from '../../functions/shared/contract.ts'
import { isUnsupported, parseDerivationFile } from '../../nix/derivation-file.ts'
import { sha256Nix32 } from '../../nix/hash.ts'
import { fingerprint, formatNarInfo, type NarInfo } from '../../nix/narinfo.ts'
import { parseSecretKey, sign } from '../../nix/signature.ts'
import { hashPartOf, parseStorePath, type StorePath } from '../../nix/store-path.ts'
import { benchS3 } from '../bench-s3.ts'
import { CACHE, EMPTY_CACHE, RUN, STATE } from '../plan-buckets.ts'

/**
 * Fills the buckets: a signed narinfo for every output of the derivations that one shell needs, the index of them, and the graph of the shell that is to be
 * planned. Prints how many narinfos there are. Arguments: the S3 endpoint, the store's root folder, the secret key's file, the shell that is cached, the one to be planned.
 */
const [endpoint = '', store = '', keyFile = '', cachedShell = '', shell = ''] = process.argv.slice(2)
const s3 = benchS3(endpoint)
const key = parseSecretKey(readFileSync(keyFile, 'utf8'))
const cached = graphBelow(parseStorePath(cachedShell))
for (const name of [CACHE, STATE, EMPTY_CACHE]) await s3.send(new CreateBucketCommand({ Bucket: name }))
await put(CACHE, cacheKeys.info, 'StoreDir: /nix/store\n')
const packages = entries(cached.derivations).filter(([drvPath]) => drvPath !== cachedShell)
await pLimit(64).map(packages, async ([drvPath, derivation]) => putNarInfo(drvPath, derivation))
await rebuildIndex({ s3, name: STATE }, { s3, name: CACHE })
await writeGraph({ s3, name: STATE }, RUN, graphBelow(parseStorePath(shell)))
process.stdout.write(`${packages.length}\n`)
s3.destroy()

function graphBelow(root: StorePath): Graph {
  const derivations = new Map<StorePath, ReturnType<typeof parseDerivationFile>>()
  const queue = new Set([root])
  // a set that grows while it is walked: what is added is visited, too
  for (const path of queue) {
    const drv = parseDerivationFile(readFileSync(store + path))
    derivations.set(path, drv)
    if (!isUnsupported(drv)) for (const input of drv.inputDrvs.keys()) queue.add(input)
  }
  return graphOf({ derivations, sources: new Map() })
}

async function putNarInfo(drvPath: StorePath, { outputs, inputDrvs, name }: GraphDerivation): Promise<void> {
  const storePath = outputs['out']
  if (storePath === undefined) throw new Error(`${drvPath} has no output`)
  const references = entries(inputDrvs).flatMap(([input]) => cached.derivations[input]?.outputs['out'] ?? [])
  const fileHash = sha256Nix32(Buffer.from(`file ${name}`))
  const info: NarInfo = {
    storePath,
    url: cacheKeys.nar(fileHash.slice('sha256:'.length)),
    compression: 'zstd',
    fileHash,
    fileSize: 1000,
    narHash: sha256Nix32(Buffer.from(`nar ${name}`)),
    narSize: 4096,
    references: references.toSorted(),
    deriver: drvPath,
    signatures: [],
  }
  info.signatures.push(sign(fingerprint(info), key))
  await put(CACHE, cacheKeys.narinfo(hashPartOf(storePath)), formatNarInfo(info))
}

async function put(bucket: string, at: string, body: string | Uint8Array): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: at, Body: body }))
}
