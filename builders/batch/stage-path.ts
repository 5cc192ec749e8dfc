import { createWriteStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants } from 'node:zlib'
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

/**
 * Stages one store path: its NAR, compressed, then its narinfo, unsigned; what is small goes into a parcel. Memory does not grow with the path; the compressed NAR lies in `folder` meanwhile,
 * because its name is its hash.
 */
export async function stagePath(
  staging: Staging,
  info: PathInfo,
  { parcels, folder, zstdLevel }: { parcels: Parcels; folder: string; zstdLevel: number },
): Promise<StagedPath> {
  const path = join(folder, `${hashPartOf(info.path)}.nar.zst`)
  try {
    const file = await compressNar(info, path, zstdLevel)
    const fileHash = encodeBase32(file.sha256)
    const key = stagedKeys.nar(staging.prefix, fileHash)
    if (file.bytes <= SMALL_FILE) parcels.add(key, await readFile(path))
    else await stageFile(staging, key, file, { type: 'application/x-nix-nar' })
    const narinfo = formatNarInfo({
      storePath: info.path,
      url: `nar/${fileHash}.nar.zst`,
      compression: 'zstd',
      fileHash: `sha256:${fileHash}`,
      fileSize: file.bytes,
      narHash: info.narHash,
      narSize: info.narSize,
      references: info.references,
      ...(info.deriver === undefined ? {} : { deriver: info.deriver }),
      signatures: [],
    })
    parcels.add(stagedKeys.narinfo(staging.prefix, hashPartOf(info.path)), Buffer.from(narinfo))
    return { narSize: info.narSize, fileSize: file.bytes }
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
  const narHash = `sha256:${encodeBase32(nar.sha256())}`
  if (narHash !== info.narHash || nar.bytes !== info.narSize) {
    throw new StorePathAltered(
      `${info.path} is now ${narHash} (${nar.bytes} bytes), but Nix registered ${info.narHash} (${info.narSize} bytes)`,
    )
  }
  return { path, bytes: file.bytes, sha256: file.sha256() }
}
