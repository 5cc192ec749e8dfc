import { createHash } from 'node:crypto'
import { Transform, type TransformCallback } from 'node:stream'

/** Counts and hashes what passes through, and passes it on unchanged. */
export class Measure extends Transform {
  bytes = 0
  readonly #hash = createHash('sha256')

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length
    this.#hash.update(chunk)
    done(null, chunk)
  }

  /** The SHA-256 of everything. Only once, and only at the end. */
  sha256(): Buffer {
    return this.#hash.digest()
  }
}
