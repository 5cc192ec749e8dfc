import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import type { FixedContent } from '../../nix/fixed-content.ts'
import { formatHash } from '../../nix/hash.ts'
import { InvalidNar } from '../../nix/nar-reader.ts'
import { NarTooLarge, type VerifiedNar, verifyNar } from '../../nix/nar-verification.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { stagedKeys } from '../shared/keys.ts'
import { MeasuredZstd } from '../shared/measured-zstd.ts'
import { isMissing } from '../shared/objects.ts'
import type { Publication } from './publication.ts'
import { NarOverLimit, StagedBytesDiffer, StagedResultInvalid } from './refusals.ts'
import { fileHashDigits, type StagedNarInfo } from './staged-result.ts'
import { isZstdError } from '../shared/zstd-error.ts'
import { NotOneFrame } from '../shared/zstd-frame.ts'

/** What the bytes of a staged NAR prove, and exactly which bytes those are. */
export interface StagedNar extends VerifiedNar {
  etag: string
}

// 1 MiB: what is smaller takes next to no memory and time, and waits for no other.
const SMALL_NAR = 1024 * 1024

/**
 * Reads a staged NAR once, streaming: FileHash, FileSize, NarHash and NarSize are recomputed and must be what the narinfo says, and its form is
 * checked. Expansion is bounded by the declared NarSize, and that by the deployment's limit.
 * @param candidates the paths that are looked for in it
 * @param content who hashes its content on the way
 * @throws NarOverLimit, StagedResultInvalid, StagedBytesDiffer
 */
export async function readStagedNar(
  publication: Pick<Publication, 'staging' | 'prefix' | 'maxNarSize' | 'largeNars'>,
  info: StagedNarInfo,
  candidates: Iterable<StorePath>,
  content?: FixedContent,
): Promise<StagedNar> {
  if (info.narSize > publication.maxNarSize)
    throw new NarOverLimit(info.storePath, info.narSize, publication.maxNarSize)
  const read = async () => readAll(publication, info, candidates, content)
  return info.narSize > SMALL_NAR ? publication.largeNars(read) : read()
}

async function readAll(
  { staging, prefix }: Pick<Publication, 'staging' | 'prefix'>,
  info: StagedNarInfo,
  candidates: Iterable<StorePath>,
  content: FixedContent | undefined,
): Promise<StagedNar> {
  const path = info.storePath
  const { body, etag } = await open({ staging, prefix }, info)
  const file = new MeasuredZstd()
  const proved = await unpack(body, file, info, candidates, content)
  const check = (what: string, declared: string | number, found: string | number): void => {
    if (declared !== found) throw new StagedBytesDiffer(path, what, declared, found)
  }
  check('FileSize', info.fileSize, file.bytes)
  check('FileHash', info.fileHash, formatHash({ algorithm: 'sha256', digest: file.sha256() }))
  check('NarSize', info.narSize, proved.narSize)
  check('NarHash', info.narHash, proved.narHash)
  return { ...proved, etag }
}

async function open(
  { staging, prefix }: Pick<Publication, 'staging' | 'prefix'>,
  { storePath, fileHash }: StagedNarInfo,
): Promise<{ body: Readable; etag: string }> {
  const key = stagedKeys.nar(prefix, fileHashDigits(fileHash))
  try {
    const { Body, ETag } = await staging.s3.send(new GetObjectCommand({ Bucket: staging.name, Key: key }))
    if (!(Body instanceof Readable) || ETag === undefined)
      throw new StagedResultInvalid(`S3 gave no bytes for ${key}`)
    return { body: Body, etag: ETag }
  } catch (error) {
    if (isMissing(error)) throw new StagedResultInvalid(`the NAR of ${storePath} was not staged`)
    throw error
  }
}

// 256 KiB at a time take a fifth less CPU than Node's 16 KiB (measured on 490 MB), and a small NAR is not worth the buffer.
function unpacking(narSize: number): { chunkSize?: number } {
  return narSize < 1024 * 1024 ? {} : { chunkSize: 256 * 1024 }
}

async function unpack(
  body: Readable,
  file: MeasuredZstd,
  { storePath: path, narSize: maxSize }: StagedNarInfo,
  candidates: Iterable<StorePath>,
  content: FixedContent | undefined,
): Promise<VerifiedNar> {
  let proved: VerifiedNar | undefined
  try {
    await pipeline(
      body,
      file,
      createZstdDecompress(unpacking(maxSize)),
      async (nar: AsyncIterable<Uint8Array>) => {
        proved =
          content === undefined
            ? await verifyNar(nar, { maxSize, candidates })
            : await verifyNar(content.read(nar), { maxSize, candidates, visitor: content.visitor })
      },
    )
  } catch (error) {
    if (
      error instanceof InvalidNar ||
      error instanceof NarTooLarge ||
      error instanceof NotOneFrame ||
      isZstdError(error)
    )
      throw new StagedResultInvalid(`the staged NAR of ${path}: ${error.message}`)
    throw error
  }
  if (proved === undefined) throw new StagedResultInvalid(`the staged NAR of ${path} is empty`)
  return proved
}
