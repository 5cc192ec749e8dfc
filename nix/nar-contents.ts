import { createHash, type Hash as Hasher } from 'node:crypto'
import { type ContentHashes, hashesModuloSelf } from './content-address.ts'
import { type Hash, HASH_ALGORITHMS, type HashAlgorithm } from './hash.ts'
import { NarReader } from './nar-reader.ts'

/** Where its contents begin in the NAR of one file that is not executable: behind the words up to `contents`, and the size. */
const FILE_START = 96
/** Room for a NAR at first, in bytes: most derivations fit. */
const FIRST_ROOM = 4096

/**
 * Reads one NAR that stands in something else, and answers what a content address may have hashes of. A small NAR is kept, and hashed when somebody
 * asks; of a larger one all hashes are computed while it streams by, because nothing says before its end which one will be asked for.
 */
export class NarContents implements ContentHashes {
  /** in bytes, as far as it has been read */
  size = 0
  readonly #reader: NarReader
  readonly #maxKept: number
  #kept: Buffer = Buffer.allocUnsafe(FIRST_ROOM)
  /** instead of `#kept`, once there is too much of it */
  #hashes: { nar: HashingStream; file: HashingStream } | undefined
  /** the size of the file, when the NAR is one, and not executable */
  #fileSize: number | undefined

  /** @param maxKept the size of a NAR, in bytes, up to which it is kept */
  constructor(maxKept: number) {
    this.#maxKept = maxKept
    this.#reader = new NarReader({
      entry: (entry) => {
        if (entry.path === '' && entry.type === 'regular' && !entry.executable) this.#fileSize = entry.size
      },
    })
  }

  /** Whether the NAR has ended; only then it can be asked for anything. */
  get complete(): boolean {
    return this.#reader.complete
  }

  /**
   * Takes the next bytes up to the end of the NAR; they are not kept themselves.
   * @returns how many of them belong to it
   * @throws InvalidNar
   */
  take(chunk: Uint8Array): number {
    const taken = this.#reader.take(chunk)
    const bytes = chunk.subarray(0, taken)
    if (this.#hashes === undefined && this.size + taken > this.#maxKept) {
      this.#hashes = { nar: new HashingStream(), file: new HashingStream() }
      this.#hash(this.#kept.subarray(0, this.size), 0)
      this.#kept = Buffer.alloc(0)
    }
    if (this.#hashes === undefined) this.#keep(bytes)
    else this.#hash(bytes, this.size)
    this.size += taken
    return taken
  }

  /** The contents of a NAR that is one file, not executable, and small enough. */
  file(): Buffer | undefined {
    if (this.#hashes !== undefined || this.#fileSize === undefined) return undefined
    return this.#kept.subarray(FILE_START, FILE_START + this.#fileSize)
  }

  hashNar(algorithm: HashAlgorithm): Hash {
    return this.#hashes?.nar.hash(algorithm) ?? hashOf(this.#kept.subarray(0, this.size), algorithm)
  }

  hashFile(algorithm: HashAlgorithm): Hash | undefined {
    if (this.#fileSize === undefined) return undefined
    const file = this.file()
    return file === undefined ? this.#hashes?.file.hash(algorithm) : hashOf(file, algorithm)
  }

  hashNarModuloSelf(hashPart: string): Hash[] {
    return this.#hashes === undefined ? hashesModuloSelf(this.#kept.subarray(0, this.size), hashPart) : []
  }

  #keep(bytes: Uint8Array): void {
    const needed = this.size + bytes.length
    if (needed > this.#kept.length) {
      const room = Buffer.allocUnsafe(Math.max(needed, this.#kept.length * 2))
      this.#kept.copy(room, 0, 0, this.size)
      this.#kept = room
    }
    this.#kept.set(bytes, this.size)
  }

  /** Hashes bytes that stand at an offset of the NAR. */
  #hash(bytes: Uint8Array, offset: number): void {
    this.#hashes?.nar.write(bytes)
    if (this.#fileSize === undefined) return
    const start = Math.max(0, FILE_START - offset)
    const end = Math.max(start, FILE_START + this.#fileSize - offset)
    this.#hashes?.file.write(bytes.subarray(start, end))
  }
}

/** The hashes of a stream, by every algorithm. */
class HashingStream {
  readonly #hashers = new Map<HashAlgorithm, Hasher>(
    HASH_ALGORITHMS.map((algorithm) => [algorithm, createHash(algorithm)]),
  )

  write(bytes: Uint8Array): void {
    for (const hasher of this.#hashers.values()) hasher.update(bytes)
  }

  hash(algorithm: HashAlgorithm): Hash {
    const hasher = this.#hashers.get(algorithm) ?? createHash(algorithm)
    return { algorithm, digest: hasher.copy().digest() }
  }
}

function hashOf(bytes: Uint8Array, algorithm: HashAlgorithm): Hash {
  return { algorithm, digest: createHash(algorithm).update(bytes).digest() }
}
