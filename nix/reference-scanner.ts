import { DIGIT_VALUES, NO_DIGIT } from './base32.ts'
import { InvalidStorePath } from './store-path.ts'

const HASH_LENGTH = 32
/** How many bits of a candidate the filter looks at: its first four digits. */
const FILTER_BITS = 20

/**
 * Finds the hash parts of store paths in a stream of bytes, across the borders of its chunks: how Nix learns the references of an output. It looks for
 * 32 digits of nix32 in a row from their end, so that in other bytes it skips 32 at a time, and asks a filter of the first four digits before it compares: bytes
 * made to slow it down (digits alone, beginnings of candidates) cost a look at each, no more. Source: Nix, src/libstore/references.cc, `search`.
 */
export class ReferenceScanner {
  /** candidates by their first four digits */
  readonly #candidates = new Map<number, Buffer[]>()
  /** a bit for each of them: 128 KiB stay in the processor's cache, and cost little to make for the small NARs that most are */
  readonly #filter = new Uint8Array(1 << (FILTER_BITS - 3))
  readonly #found = new Set<string>()
  /** the last 31 bytes: a hash part may begin in them */
  #tail: Buffer = Buffer.alloc(0)

  /**
   * @param hashParts the candidates, 32 digits of nix32 each
   * @throws InvalidStorePath
   */
  constructor(hashParts: Iterable<string>) {
    for (const part of new Set(hashParts)) {
      if (!/^[0-9abcdfghijklmnpqrsvwxyz]{32}$/.test(part)) {
        throw new InvalidStorePath(part, 'a hash part has 32 digits of nix32')
      }
      const bytes = Buffer.from(part, 'latin1')
      const prefix = prefixOf(bytes, 0)
      this.#filter[prefix >>> 3] = (this.#filter[prefix >>> 3] ?? 0) | (1 << (prefix & 7))
      this.#candidates.set(prefix, [...(this.#candidates.get(prefix) ?? []), bytes])
    }
  }

  /** Takes the next bytes, any number of them; they are not kept. */
  write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const border = Buffer.concat([this.#tail, bytes.subarray(0, HASH_LENGTH - 1)])
    this.#search(border)
    this.#search(bytes)
    const end = bytes.length < HASH_LENGTH - 1 ? border : bytes
    this.#tail = Buffer.from(end.subarray(Math.max(0, end.length - (HASH_LENGTH - 1))))
  }

  /** The candidates that occurred so far. */
  found(): Set<string> {
    return new Set(this.#found)
  }

  #search(bytes: Buffer): void {
    const last = bytes.length - HASH_LENGTH
    // Digits are known from `at` up to here: a run of them is looked at once, not once for each position in it.
    let known = 0
    for (let at = 0; at <= last;) {
      const from = Math.max(at, known)
      let position = at + HASH_LENGTH - 1
      while (position >= from && DIGIT_VALUES[bytes[position] ?? 0] !== NO_DIGIT) position--
      known = at + HASH_LENGTH
      if (position >= from) {
        at = position + 1
        continue
      }
      const prefix = prefixOf(bytes, at)
      if ((((this.#filter[prefix >>> 3] ?? 0) >>> (prefix & 7)) & 1) === 1) this.#compare(bytes, at, prefix)
      at++
    }
  }

  #compare(bytes: Buffer, at: number, prefix: number): void {
    for (const candidate of this.#candidates.get(prefix) ?? []) {
      let index = 0
      while (index < HASH_LENGTH && bytes[at + index] === candidate[index]) index++
      if (index === HASH_LENGTH) this.#found.add(candidate.toString('latin1'))
    }
  }
}

function prefixOf(bytes: Buffer, at: number): number {
  return (
    (digitAt(bytes, at) << 15) |
    (digitAt(bytes, at + 1) << 10) |
    (digitAt(bytes, at + 2) << 5) |
    digitAt(bytes, at + 3)
  )
}

function digitAt(bytes: Buffer, at: number): number {
  return DIGIT_VALUES[bytes[at] ?? 0] ?? 0
}
