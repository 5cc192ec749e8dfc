import type { TransformCallback } from 'node:stream'
import { Measure } from './measure.ts'
import { ZstdFrame } from './zstd-frame.ts'

/**
 * Counts and hashes a zstd file that passes through on its way to the decompressor, and fails with NotOneFrame unless it is one frame and nothing else: what stood
 * behind it would be unpacked by others and not by us.
 */
export class MeasuredZstd extends Measure {
  readonly #frame = new ZstdFrame()

  override _transform(chunk: Buffer, encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#frame.write(chunk)
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
      return
    }
    super._transform(chunk, encoding, done)
  }

  override _flush(done: TransformCallback): void {
    try {
      this.#frame.end()
      done()
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
    }
  }
}
