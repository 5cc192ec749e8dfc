import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
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
const limit = pLimit(16)
const paths = smallPaths(Number(count))
const narHashes = new Map<StorePath, string>()

await s3.send(new CreateBucketCommand({ Bucket: STAGING }))
mkdirSync(join(folder, 'nar'), { recursive: true })
writeFileSync(join(folder, 'nix-cache-info'), 'StoreDir: /nix/store\n')
let bytes = 0
for (const path of paths) await limit(() => stage(path))
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
  const result = { version: 1, drvPath: small.drvPath, status: 'built', seconds: 1, inputs }
  await put(stagedKeys.nar(STAGING_PREFIX, fileHash), file)
  await put(stagedKeys.narinfo(STAGING_PREFIX, hashPartOf(small.path)), narinfo)
  await put(stagedKeys.result(STAGING_PREFIX, baseNameOf(small.drvPath)), JSON.stringify(result))
}

/** Everything that it needs at run time, without itself. */
function closureOf(small: SmallPath): StorePath[] {
  const closure = new Set(small.needs)
  for (const index of closure) for (const need of paths[index]?.needs ?? []) closure.add(need)
  return [...closure].flatMap((index) => paths[index]?.path ?? [])
}

async function put(key: string, body: string | Uint8Array): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: STAGING, Key: key, Body: body }))
}

function nix32(bytes: Uint8Array): string {
  return encodeBase32(createHash('sha256').update(bytes).digest())
}
