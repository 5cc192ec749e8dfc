import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { Parcels } from '../../builders/machine/parcels.ts'
import { stagedKeys } from '../../functions/shared/keys.ts'
import { encodeBase32 } from '../../nix/base32.ts'
import { writeNar } from '../../nix/nar-writer.ts'
import { formatNarInfo } from '../../nix/narinfo.ts'
import { baseNameOf, hashPartOf, type StorePath } from '../../nix/store-path.ts'
import { benchS3, STAGING, STAGING_PREFIX } from '../bench-s3.ts'
import { contentOf, type SmallPath, smallPaths } from '../small-paths.ts'

/**
 * Makes the small paths twice: staged on S3, as a builder leaves them, and as an unsigned binary cache in a folder, from which Nix can take them into
 * a store. Arguments: the S3 endpoint, the folder, how many.
 */
const [endpoint = '', folder = '', count = '0'] = process.argv.slice(2)
const s3 = benchS3(endpoint)
const parcels = new Parcels({ s3, bucket: STAGING, prefix: STAGING_PREFIX })
const paths = smallPaths(Number(count))
const narHashes = new Map<StorePath, string>()

await s3.send(new CreateBucketCommand({ Bucket: STAGING }))
mkdirSync(join(folder, 'nar'), { recursive: true })
writeFileSync(join(folder, 'nix-cache-info'), 'StoreDir: /nix/store\n')
let bytes = 0
for (const path of paths) await stage(path)
parcels.close()
await parcels.staged()
process.stdout.write(`${bytes}\n`)

async function stage(small: SmallPath): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of writeNar('', contentOf(small, paths))) chunks.push(chunk)
  const nar = Buffer.concat(chunks)
  const file = zstdCompressSync(nar)
  const fileHash = nix32(file)
  const narHash = `sha256:${nix32(nar)}`
  bytes += nar.length
  narHashes.set(small.path, narHash)
  const narinfo = formatNarInfo({
    storePath: small.path,
    url: `nar/${fileHash}.nar.zst`,
    compression: 'zstd',
    fileHash: `sha256:${fileHash}`,
    fileSize: file.length,
    narHash,
    narSize: nar.length,
    references: small.needs.flatMap((need) => paths[need]?.path ?? []),
    deriver: small.drvPath,
    signatures: [],
  })
  writeFileSync(join(folder, `nar/${fileHash}.nar.zst`), file)
  writeFileSync(join(folder, `${hashPartOf(small.path)}.narinfo`), narinfo)
  const inputs = Object.fromEntries(closureOf(small).map((path) => [path, narHashes.get(path)]))
  const result = { version: 1, drvPath: small.drvPath, status: 'built', seconds: 1, inputs, log: false }
  parcels.add(stagedKeys.nar(STAGING_PREFIX, fileHash), file)
  parcels.add(stagedKeys.narinfo(STAGING_PREFIX, hashPartOf(small.path)), Buffer.from(narinfo))
  parcels.add(
    stagedKeys.result(STAGING_PREFIX, baseNameOf(small.drvPath)),
    Buffer.from(JSON.stringify(result)),
  )
}

/** Everything that it needs at run time, without itself. */
function closureOf(small: SmallPath): StorePath[] {
  const closure = new Set(small.needs)
  for (const index of closure) for (const need of paths[index]?.needs ?? []) closure.add(need)
  return [...closure].flatMap((index) => paths[index]?.path ?? [])
}

function nix32(bytes: Uint8Array): string {
  return encodeBase32(createHash('sha256').update(bytes).digest())
}
