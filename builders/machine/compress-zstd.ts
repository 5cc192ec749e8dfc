import { createZstdCompress, type ZstdOptions } from 'node:zlib'

/**
 * Compresses a stream to one zstd frame and nothing else, as Publish demands it. Node's own stream ends its frame with the last chunk when that still waits
 * while its input ends, and then begins and ends an empty second one: 9 bytes more, `28b52ffd2000010000` (Node 24.21, 11 of 100 files with a slow
 * reader). So every chunk is waited for before the input ends. For `pipeline`.
 */
export function compressZstd(
  options: ZstdOptions = {},
): (source: AsyncIterable<Uint8Array>) => AsyncGenerator<Buffer, void> {
  return async function* compress(source) {
    const zstd = createZstdCompress(options)
    const feed = async (): Promise<void> => {
      for await (const chunk of source) await written(chunk)
      zstd.end()
    }
    const written = (chunk: Uint8Array): Promise<void> =>
      new Promise((resolve, reject) => {
        zstd.write(chunk, (error) => {
          if (error) reject(error)
          else resolve()
        })
      })
    // What is wrong with the source is what the reader gets, too.
    feed().catch((error: unknown) => zstd.destroy(error instanceof Error ? error : new Error(String(error))))
    yield* zstd as AsyncIterable<Buffer>
  }
}
