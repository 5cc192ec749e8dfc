import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { formatHash } from '../../nix/hash.ts'
import { InvalidNar } from '../../nix/nar-reader.ts'
import { NarTooLarge, type VerifiedNar, verifyNar } from '../../nix/nar-verification.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { stagedKeys } from '../shared/keys.ts'
import { Measure } from '../shared/measure.ts'
import { type Bucket, isMissing } from '../shared/objects.ts'
import { ReferencesDiffer, StagedBytesDiffer, StagedResultInvalid } from './refusals.ts'
import { fileHashDigits, type StagedNarInfo } from './staged-result.ts'

/** A narinfo of which every word was proved from the staged bytes, and exactly which bytes those are. */
export interface VerifiedOutput {
  info: StagedNarInfo
  /** key and ETag of the staged NAR: only these bytes may be published */
  key: string
  etag: string
}

/**
 * Reads a staged NAR once, streaming: FileHash, FileSize, NarHash and NarSize are recomputed, its form is checked, expansion is bounded by
 * the declared NarSize, and its references are those that a scan for `candidates` finds.
 * @throws StagedResultInvalid, StagedBytesDiffer, ReferencesDiffer
 */
export async function verifyOutput(
  staging: Bucket,
  prefix: string,
  info: StagedNarInfo,
  candidates: Iterable<StorePath>,
): Promise<VerifiedOutput> {
  const path = info.storePath
  const key = stagedKeys.nar(prefix, fileHashDigits(info.fileHash))
  const { body, etag } = await open(staging, key, path)
  const file = new Measure()
  const proved = await unpack(path, body, file, info.narSize, candidates)
  const check = (what: string, declared: string | number, found: string | number): void => {
    if (declared !== found) throw new StagedBytesDiffer(path, what, declared, found)
  }
  check('FileSize', info.fileSize, file.bytes)
  check('FileHash', info.fileHash, formatHash({ algorithm: 'sha256', digest: file.sha256() }))
  check('NarSize', info.narSize, proved.narSize)
  check('NarHash', info.narHash, proved.narHash)
  const undeclared = proved.references.filter((reference) => !info.references.includes(reference))
  const absent = info.references.filter((reference) => !proved.references.includes(reference))
  if (undeclared.length + absent.length > 0) throw new ReferencesDiffer(path, undeclared, absent)
  return { info, key, etag }
}

async function open(
  staging: Bucket,
  key: string,
  path: StorePath,
): Promise<{ body: Readable; etag: string }> {
  try {
    const { Body, ETag } = await staging.s3.send(new GetObjectCommand({ Bucket: staging.name, Key: key }))
    if (!(Body instanceof Readable) || ETag === undefined)
      throw new StagedResultInvalid(`S3 gave no bytes for ${key}`)
    return { body: Body, etag: ETag }
  } catch (error) {
    if (isMissing(error)) throw new StagedResultInvalid(`the NAR of ${path} was not staged`)
    throw error
  }
}

async function unpack(
  path: StorePath,
  body: Readable,
  file: Measure,
  maxSize: number,
  candidates: Iterable<StorePath>,
): Promise<VerifiedNar> {
  let proved: VerifiedNar | undefined
  const zstd = createZstdDecompress()
  try {
    await pipeline(body, file, zstd, async (nar: AsyncIterable<Uint8Array>) => {
      proved = await verifyNar(nar, { maxSize, candidates })
    })
  } catch (error) {
    if (error instanceof InvalidNar || error instanceof NarTooLarge || isZstdError(error))
      throw new StagedResultInvalid(`the staged NAR of ${path}: ${error.message}`)
    throw error
  }
  if (proved === undefined) throw new StagedResultInvalid(`the staged NAR of ${path} is empty`)
  // Node drops what stands behind the end of a frame in the same chunk; a client would unpack it, and get another NAR.
  if (zstd.bytesWritten !== file.bytes)
    throw new StagedResultInvalid(`the staged NAR of ${path} goes on behind the end of its zstd frame`)
  return proved
}

/** node:zlib's errors have codes of zstd (`ZSTD_error_…`) or of zlib's own (`Z_BUF_ERROR`: the file ends too early). */
function isZstdError(error: unknown): error is Error {
  const { code } = error as { code?: unknown }
  return error instanceof Error && typeof code === 'string' && /^(ZSTD_|Z_)/.test(code)
}
