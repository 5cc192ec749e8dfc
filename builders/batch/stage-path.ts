import { hash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, zstdCompressSync } from 'node:zlib'
import { HearthError } from '../../functions/shared/errors.ts'
import { stagedKeys } from '../../functions/shared/keys.ts'
import { encodeBase32 } from '../../nix/base32.ts'
import { writeNar } from '../../nix/nar-writer.ts'
import { formatNarInfo } from '../../nix/narinfo.ts'
import { hashPartOf } from '../../nix/store-path.ts'
import { Measure } from '../../functions/shared/measure.ts'
import { compressZstd } from '../machine/compress-zstd.ts'
import { fileSystemNarSource, narPath } from '../machine/nar-source.ts'
import type { Parcels } from '../machine/parcels.ts'
import type { PathInfo } from '../machine/registration.ts'
import { type StagedFile, stageFile, type Staging } from '../machine/staging.ts'

/** A store path's content is no longer what Nix registered when it was built. */
export class StorePathAltered extends HearthError {
  override name = 'StorePathAltered'
}

/** Bytes of one store path that went to staging. */
export interface StagedPath {
  narSize: number
  fileSize: number
}

// 128 KiB: below it a request costs more than the bytes.
const SMALL_FILE = 128 * 1024
// 128 KiB, so that it is a small file, too. It is compressed in one go, in 2 ms at most; streams and a file on disk would take five times as long as that for a script.
const SMALL_NAR = SMALL_FILE

/** The compressed NAR of a path, which is staged, or in a parcel. */
interface StagedNar {
  /** nix32 */
  fileHash: string
  fileSize: number
}

interface Parts {
  parcels: Parcels
  folder: string
  zstdLevel: number
}

/**
 * Stages one store path: its NAR, compressed, then its narinfo, unsigned; what is small goes into a parcel. Memory does not grow with the path.
 */
export async function stagePath(staging: Staging, info: PathInfo, parts: Parts): Promise<StagedPath> {
  const stage = info.narSize <= SMALL_NAR ? stageSmallNar : stageNar
  const { fileHash, fileSize } = await stage(staging, info, parts)
  const narinfo = formatNarInfo({
    storePath: info.path,
    url: `nar/${fileHash}.nar.zst`,
    compression: 'zstd',
    fileHash: `sha256:${fileHash}`,
    fileSize,
    narHash: info.narHash,
    narSize: info.narSize,
    references: info.references,
    ...(info.deriver === undefined ? {} : { deriver: info.deriver }),
    signatures: [],
  })
  parts.parcels.add(stagedKeys.narinfo(staging.prefix, hashPartOf(info.path)), Buffer.from(narinfo))
  return { narSize: info.narSize, fileSize }
}

/** The compressed NAR lies in `folder` until it is staged, because its name is its hash. */
async function stageNar(
  staging: Staging,
  info: PathInfo,
  { parcels, folder, zstdLevel }: Parts,
): Promise<StagedNar> {
  const path = join(folder, `${hashPartOf(info.path)}.nar.zst`)
  try {
    const file = await compressNar(info, path, zstdLevel)
    const fileHash = encodeBase32(file.sha256)
    const key = stagedKeys.nar(staging.prefix, fileHash)
    if (file.bytes <= SMALL_FILE) parcels.add(key, await readFile(path))
    else await stageFile(staging, key, file, { type: 'application/x-nix-nar' })
    return { fileHash, fileSize: file.bytes }
  } finally {
    await rm(path, { force: true })
  }
}

async function compressNar(info: PathInfo, path: string, level: number): Promise<StagedFile> {
  const nar = new Measure()
  const file = new Measure()
  await pipeline(
    Readable.from(writeNar(narPath(info.path), fileSystemNarSource()), { objectMode: false }),
    nar,
    compressZstd({ params: { [constants.ZSTD_c_compressionLevel]: level } }),
    file,
    createWriteStream(path),
  )
  checkUnaltered(info, nar.sha256(), nar.bytes)
  return { path, bytes: file.bytes, sha256: file.sha256() }
}

async function stageSmallNar(
  { prefix }: Staging,
  info: PathInfo,
  { parcels, zstdLevel }: Parts,
): Promise<StagedNar> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of writeNar(narPath(info.path), fileSystemNarSource())) {
    bytes += chunk.length
    // what has grown since it was registered need not be in memory to be refused
    if (bytes <= SMALL_NAR) chunks.push(chunk)
  }
  const nar = Buffer.concat(chunks)
  checkUnaltered(info, hash('sha256', nar, 'buffer'), bytes)
  const file = zstdCompressSync(nar, { params: { [constants.ZSTD_c_compressionLevel]: zstdLevel } })
  const fileHash = encodeBase32(hash('sha256', file, 'buffer'))
  parcels.add(stagedKeys.nar(prefix, fileHash), file)
  return { fileHash, fileSize: file.length }
}

/** @throws StorePathAltered */
function checkUnaltered({ path, narHash, narSize }: PathInfo, sha256: Uint8Array, bytes: number): void {
  const found = `sha256:${encodeBase32(sha256)}`
  if (found === narHash && bytes === narSize) return
  throw new StorePathAltered(
    `${path} is now ${found} (${bytes} bytes), but Nix registered ${narHash} (${narSize} bytes)`,
  )
}
