import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { zstdDecompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { compressZstd } from '../../../builders/machine/compress-zstd.ts'
import { ZstdFrame } from '../../../functions/shared/zstd-frame.ts'

/** Compresses chunks for a reader that waits before each piece. */
async function compress(source: AsyncIterable<Uint8Array> | Readable, slow: boolean): Promise<Buffer> {
  const pieces: Buffer[] = []
  await pipeline(
    source,
    compressZstd(),
    new PassThrough({ highWaterMark: 1 }),
    async (read: AsyncIterable<Buffer>) => {
      for await (const piece of read) {
        pieces.push(piece)
        if (slow) await sleep(1)
      }
    },
  )
  return Buffer.concat(pieces)
}

describe('one frame and nothing else, however slow its reader is', () => {
  const noise = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 2_654_435_761) >>> 24))
  const chunksOf = (size: number): Buffer[] =>
    Array.from({ length: Math.ceil(noise.length / size) }, (_, index) =>
      noise.subarray(index * size, (index + 1) * size),
    )
  const cases: [string, Buffer[]][] = [
    ['no chunk', []],
    ['one chunk', [noise]],
    ['two chunks', [Buffer.alloc(100), noise]],
    ['a small one last', [noise, Buffer.alloc(8)]],
    ['chunks of 64 KiB', chunksOf(65_536)],
    ['chunks of 1,000 bytes', chunksOf(1000)],
  ]
  test.each(cases)('%s', async (_, chunks) => {
    for (const slow of [false, true]) {
      // all chunks are there at once, and the end with them: what makes Node's own stream write a second frame
      const source = new Readable({ read: () => undefined })
      for (const chunk of chunks) source.push(chunk)
      source.push(null)
      const file = await compress(source, slow)
      const frame = new ZstdFrame()
      frame.write(file)
      frame.end()
      expect(zstdDecompressSync(file).equals(Buffer.concat(chunks))).toBe(true)
    }
  })
})

test('what is wrong with the source is told, and nothing hangs', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(100)
    throw new Error('the disk is gone')
  }
  await expect(compress(broken(), false)).rejects.toThrow('the disk is gone')
})

test('a reader that goes away ends it', async () => {
  const endless = Readable.from(
    (function* zeros() {
      for (;;) yield Buffer.alloc(65_536)
    })(),
  )
  await expect(
    pipeline(endless, compressZstd(), async (read: AsyncIterable<Buffer>) => {
      for await (const piece of read) if (piece.length >= 0) throw new Error('enough')
    }),
  ).rejects.toThrow('enough')
  expect(endless.destroyed).toBe(true)
})
