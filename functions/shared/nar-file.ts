import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress, zstdDecompressSync } from 'node:zlib'
import type { FixedContent } from '../../nix/fixed-content.ts'
import { formatHash } from '../../nix/hash.ts'
import { InvalidNar } from '../../nix/nar-reader.ts'
import { NarTooLarge, type VerifiedNar, verifyNar } from '../../nix/nar-verification.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { HearthError } from './errors.ts'
import { MeasuredZstd } from './measured-zstd.ts'
import { isZstdError } from './zstd-error.ts'
import { NotOneFrame, ZstdFrame } from './zstd-frame.ts'

/** Bytes that are not one zstd frame with one well-formed NAR of at most the given size in it. */
export class InvalidNarFile extends HearthError {
  override name = 'InvalidNarFile'
}

/** What the bytes of a compressed NAR prove. */
export interface NarFile extends VerifiedNar {
  /** `sha256:<nix32>` of the file as it is stored */
  fileHash: string
  /** its bytes */
  fileSize: number
}

export interface NarExpectation {
  /** the most bytes that the NAR may have, unpacked */
  maxSize: number
  /** the paths that are looked for in it */
  candidates: Iterable<StorePath>
  /** who hashes its content on the way */
  content?: FixedContent | undefined
}

// 1 MiB: what is smaller, and in memory already, is unpacked in one go, in some milliseconds: a stream costs more than that.
const IN_ONE_GO = 1024 * 1024

/**
 * Reads a NAR as it is stored, compressed with zstd, once: recomputes the hashes and sizes of file and NAR, finds its references, checks its form. Memory
 * does not grow with it, and it never unpacks to more than it may.
 * @param file its bytes, whole or as a stream
 * @throws InvalidNarFile, and what the stream throws
 */
export async function readNarFile(
  file: Readable | Uint8Array,
  expectation: NarExpectation,
): Promise<NarFile> {
  try {
    if (file instanceof Readable) return await readStream(file, expectation)
    if (expectation.maxSize <= IN_ONE_GO) return await readBytes(file, expectation)
    return await readStream(Readable.from([file]), expectation)
  } catch (error) {
    if (
      error instanceof InvalidNar ||
      error instanceof NarTooLarge ||
      error instanceof NotOneFrame ||
      isZstdError(error)
    )
      throw new InvalidNarFile(error.message)
    throw error
  }
}

async function readStream(body: Readable, expectation: NarExpectation): Promise<NarFile> {
  const file = new MeasuredZstd()
  let proved: VerifiedNar | undefined
  await pipeline(
    body,
    file,
    createZstdDecompress(unpacking(expectation.maxSize)),
    async (nar: AsyncIterable<Uint8Array>) => {
      proved = await verify(nar, expectation)
    },
  )
  if (proved === undefined) throw new InvalidNarFile('it is empty')
  return { ...proved, fileHash: formatSha256(file.sha256()), fileSize: file.bytes }
}

// 256 KiB at a time take a fifth less CPU than Node's 16 KiB (measured on 490 MB), and a small NAR is not worth the buffer.
function unpacking(narSize: number): { chunkSize?: number } {
  return narSize < 1024 * 1024 ? {} : { chunkSize: 256 * 1024 }
}

async function readBytes(file: Uint8Array, expectation: NarExpectation): Promise<NarFile> {
  const frame = new ZstdFrame()
  frame.write(file)
  frame.end()
  const nar = unpackWhole(file, expectation.maxSize)
  const proved = await verify(once(nar), expectation)
  const fileHash = formatSha256(createHash('sha256').update(file).digest())
  return { ...proved, fileHash, fileSize: file.length }
}

function unpackWhole(file: Uint8Array, maxSize: number): Buffer {
  try {
    // One byte more than it may have, so that no second buffer is made for what fits exactly.
    return zstdDecompressSync(file, { maxOutputLength: maxSize + 1, chunkSize: Math.max(maxSize + 1, 64) })
  } catch (error) {
    if (error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE')
      throw new NarTooLarge(maxSize)
    throw error
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes
}

async function verify(
  nar: AsyncIterable<Uint8Array>,
  { maxSize, candidates, content }: NarExpectation,
): Promise<VerifiedNar> {
  return content === undefined
    ? verifyNar(nar, { maxSize, candidates })
    : verifyNar(content.read(nar), { maxSize, candidates, visitor: content.visitor })
}

function formatSha256(digest: Uint8Array): string {
  return formatHash({ algorithm: 'sha256', digest })
}
