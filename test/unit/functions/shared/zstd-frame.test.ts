import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ZstdFrame } from '../../../../functions/shared/zstd-frame.ts'

/** Follows a file that comes in pieces of this size. */
function follow(file: Uint8Array, piece = file.length || 1): void {
  const frame = new ZstdFrame()
  for (let at = 0; at < file.length; at += piece) frame.write(file.subarray(at, at + piece))
  frame.end()
}

const text = Buffer.from('All work and no cache makes Nix a dull tool. '.repeat(1000))
const noise = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 2_654_435_761) >>> 24))
const withChecksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }

describe('one frame and nothing else', () => {
  test.each<[string, Uint8Array]>([
    ['of nothing', zstdCompressSync('')],
    ['of one byte', zstdCompressSync('x')],
    ['of text', zstdCompressSync(text)],
    ['with a checksum', zstdCompressSync(text, withChecksum)],
    ['of several blocks', zstdCompressSync(noise)],
    ['of runs', zstdCompressSync(Buffer.alloc(1_000_000))],
    [
      'of more than 64 KiB, which has another header',
      zstdCompressSync(Buffer.concat([noise, text]), withChecksum),
    ],
  ])('%s', (_, file) => {
    for (const piece of [1, 2, 3, 7, 1000, file.length]) follow(file, piece)
  })

  test('as a stream writes it, which does not know the size', async () => {
    const compress = createZstdCompress()
    compress.end(text)
    follow(Buffer.concat(await compress.toArray()), 5)
  })

  test('whatever is in it, and in whatever pieces it comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 300 }), (bytes, piece) =>
        follow(zstdCompressSync(bytes), piece),
      ),
    )
  })
})

describe('anything else is refused', () => {
  const file = zstdCompressSync(text)
  test.each<[string, Uint8Array, string]>([
    ['a byte behind it', Buffer.concat([file, Buffer.alloc(1)]), 'it goes on behind the end'],
    ['another frame behind it', Buffer.concat([file, file]), 'it goes on behind the end'],
    [
      'a byte behind its checksum',
      Buffer.concat([zstdCompressSync(text, withChecksum), Buffer.alloc(1)]),
      'it goes on behind the end',
    ],
    ['its last byte missing', file.subarray(0, -1), 'it ends before'],
    ['its checksum missing', zstdCompressSync(text, withChecksum).subarray(0, -4), 'it ends before'],
    ['nothing at all', Buffer.alloc(0), 'it ends before'],
    [
      'a skippable frame first',
      Buffer.concat([Buffer.from('502a4d180000000000', 'hex'), file]),
      'it is no zstd file',
    ],
    ['gzip', Buffer.from('1f8b0800000000000003', 'hex'), 'it is no zstd file'],
  ])('%s', (_, bytes, message) => {
    for (const piece of [1, 3, bytes.length || 1]) expect(() => follow(bytes, piece)).toThrow(message)
  })

  test('wherever it is cut', () => {
    for (let end = 0; end < file.length; end++)
      expect(() => follow(file.subarray(0, end))).toThrow('it ends before')
  })
})
