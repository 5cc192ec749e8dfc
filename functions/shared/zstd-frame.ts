import { HearthError } from './errors.ts'

/** Bytes that are not one zstd frame and nothing else. */
export class NotOneFrame extends HearthError {
  override name = 'NotOneFrame'
}

const MAGIC = Buffer.from('28b52ffd', 'hex')
const DICTIONARY_ID_BYTES = [0, 1, 2, 4]
const CONTENT_SIZE_BYTES = [0, 2, 4, 8]
const BLOCK_HEADER_BYTES = 3
const CHECKSUM_BYTES = 4

/**
 * Follows a zstd file from block to block, and so knows where its frame ends, without unpacking anything. A decompressor alone does not tell: Node's drops what
 * stands behind a frame in the same chunk. Source of the format: RFC 8878, sections 3.1.1.1 (frame header) and 3.1.1.2 (blocks).
 */
export class ZstdFrame {
  #part: 'header' | 'block' | 'checksum' | 'end' = 'header'
  /** bytes of a header that have come, until it is whole */
  #header: Buffer = Buffer.alloc(0)
  /** bytes of contents that are passed over */
  #skip = 0
  #hasChecksum = false
  #isLast = false

  /** @throws NotOneFrame */
  write(chunk: Uint8Array): void {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    while (rest.length > 0) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, rest.length)
        this.#skip -= skipped
        rest = rest.subarray(skipped)
        continue
      }
      if (this.#part === 'block' && this.#isLast) this.#part = this.#hasChecksum ? 'checksum' : 'end'
      if (this.#part === 'end') throw new NotOneFrame('it goes on behind the end of its zstd frame')
      rest = this.#readHeader(rest)
    }
  }

  /** Checks that the frame is complete. @throws NotOneFrame */
  end(): void {
    const isWhole = this.#skip === 0 && this.#header.length === 0
    const isEnd = this.#part === 'end' || (this.#part === 'block' && this.#isLast && !this.#hasChecksum)
    if (!isWhole || !isEnd) throw new NotOneFrame('it ends before its zstd frame does')
  }

  /** Takes what the header of the current part still lacks, one byte at a time: headers have 18 bytes at most. */
  #readHeader(bytes: Buffer): Buffer {
    this.#header = Buffer.concat([this.#header, bytes.subarray(0, 1)])
    if (this.#header.length === this.#headerLength()) {
      const header = this.#header
      this.#header = Buffer.alloc(0)
      this.#enter(header)
    }
    return bytes.subarray(1)
  }

  #headerLength(): number {
    if (this.#part === 'block') return BLOCK_HEADER_BYTES
    if (this.#part === 'checksum') return CHECKSUM_BYTES
    const descriptor = this.#header[MAGIC.length]
    return descriptor === undefined ? MAGIC.length + 1 : frameHeaderLength(descriptor)
  }

  #enter(header: Buffer): void {
    if (this.#part === 'checksum') this.#part = 'end'
    else if (this.#part === 'block') this.#enterBlock(header.readUIntLE(0, BLOCK_HEADER_BYTES))
    else {
      if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw new NotOneFrame('it is no zstd file')
      const descriptor = header[MAGIC.length] ?? 0
      this.#hasChecksum = (descriptor & 0b100) !== 0
      this.#part = 'block'
    }
  }

  #enterBlock(header: number): void {
    const type = (header >> 1) & 0b11
    if (type === 3) throw new NotOneFrame('it has a block of a reserved type')
    this.#isLast = (header & 1) === 1
    // a run-length block has one byte, however long its run
    this.#skip = type === 1 ? 1 : header >> 3
  }
}

/** Magic number, descriptor, window, dictionary and content size. @param descriptor the frame header's first byte */
function frameHeaderLength(descriptor: number): number {
  const isSingleSegment = (descriptor & 0b10_0000) !== 0
  const sizeFlag = descriptor >> 6
  const contentSize = sizeFlag === 0 && isSingleSegment ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] ?? 0)
  return (
    MAGIC.length + 1 + (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 0b11] ?? 0) + contentSize
  )
}
