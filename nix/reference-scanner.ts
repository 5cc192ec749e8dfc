import { DIGIT_VALUES, NO_DIGIT } from './base32.ts'
import { InvalidStorePath } from './store-path.ts'

const HASH_LENGTH = 32
/** How many bits of a candidate the filter looks at: its first four digits. */
const FILTER_BITS = 20

/**
 * Finds the hash parts of store paths in a stream of bytes, across the borders of its chunks: how Nix learns the references of an output. It looks for
 * 32 digits of nix32 in a row from their end, so that in other bytes it skips 32 at a time, and asks a filter of the first four digits before it cuts
 * out a string: bytes made of digits alone cost no more than a look at each. Source: Nix, src/libstore/references.cc, `search`.
 */
export class ReferenceScanner {
  readonly #wanted: Set<string>
  readonly #found = new Set<string>()
  readonly #filter = new Uint8Array(1 << FILTER_BITS)
  /** the last 31 bytes: a hash part may begin in them */
  #tail: Buffer = Buffer.alloc(0)

  /**
   * @param hashParts the candidates, 32 digits of nix32 each
   * @throws InvalidStorePath
   */
  constructor(hashParts: Iterable<string>) {
    this.#wanted = new Set(hashParts)
    for (const part of this.#wanted) {
      if (!/^[0-9abcdfghijklmnpqrsvwxyz]{32}$/.test(part))
        throw new InvalidStorePath(part, 'a hash part has 32 digits of nix32')
      this.#filter[prefixOf(Buffer.from(part, 'latin1'), 0)] = 1
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
      let position = at + HASH_LENGTH - 1
      while (position >= at && position >= known && DIGIT_VALUES[bytes[position] ?? 0] !== NO_DIGIT)
        position--
      if (position >= at && position >= known) {
        at = position + 1
        known = at
        continue
      }
      known = at + HASH_LENGTH
      if (this.#filter[prefixOf(bytes, at)] === 1)
        this.#compare(bytes.toString('latin1', at, at + HASH_LENGTH))
      at++
    }
  }

  #compare(part: string): void {
    if (this.#wanted.has(part)) this.#found.add(part)
  }
}

function prefixOf(bytes: Uint8Array, at: number): number {
  const digit = (offset: number): number => DIGIT_VALUES[bytes[at + offset] ?? 0] ?? 0
  return (digit(0) << 15) | (digit(1) << 10) | (digit(2) << 5) | digit(3)
}
