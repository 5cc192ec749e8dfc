/**
 * Frames of zstd that no compressor writes. Source: RFC 8878, section 3.1.1: a magic number, a header without content size and with a window, and
 * blocks of 3 bytes of header each (last, type, size).
 */
const MAGIC = Buffer.from('28b52ffd', 'hex')
const [RAW, RLE] = [0, 1]
// 128 KiB: the most that a block may have.
const BLOCK = 128 * 1024

/** One block of these bytes. */
export function raw(bytes: Uint8Array): Buffer[] {
  return [header(RAW, bytes.length), Buffer.from(bytes)]
}

/** Blocks of so many zeros: 4 bytes for each 128 KiB. */
export function zeros(count: number): Buffer[] {
  const blocks: Buffer[] = []
  for (let left = count; left > 0; left -= BLOCK)
    blocks.push(header(RLE, Math.min(left, BLOCK)), Buffer.alloc(1))
  return blocks
}

/** @param windowLog the power of two that the decompressor must keep in memory, in bytes: 10 to 41 */
export function frame(blocks: Buffer[], windowLog = 17): Buffer {
  const window = Buffer.from([0, (windowLog - 10) << 3])
  return Buffer.concat([MAGIC, window, ...blocks, header(RAW, 0, true)])
}

/** A frame that decompressors skip. Source: RFC 8878, section 3.1.2. */
export const SKIPPABLE = Buffer.from('502a4d1804000000aaaaaaaa', 'hex')

function header(type: number, size: number, last = false): Buffer {
  const bytes = Buffer.alloc(3)
  bytes.writeUIntLE((last ? 1 : 0) + type * 2 + size * 8, 0, 3)
  return bytes
}
