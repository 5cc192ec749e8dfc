import { DIGIT_VALUES, NO_DIGIT } from './base32.ts'
import { InvalidStorePath } from './store-path.ts'

const HASH_LENGTH = 32
// The filter looks at the first three digits of up to 1,000 candidates, and at four of more: it is then set at 3 % of its bits, or fewer, for all closures but the
// largest, and a filter of 4 KiB costs nothing to make, unlike one of 128 KiB (measured: 40 µs, a third of what it takes to verify a small NAR).
const FEW_CANDIDATES = 1000
const BITS_FOR_FEW = 15
const BITS_FOR_MANY = 20

/**
 * Finds the hash parts of store paths in a stream of bytes, across the borders of its chunks: how Nix learns the references of an output. It looks for
 * 32 digits of nix32 in a row from their end, so that in other bytes it skips 32 at a time, and asks a filter of the first digits before it compares: bytes
 * made to slow it down (digits alone, beginnings of candidates) cost a look at each, no more. Source: Nix, src/libstore/references.cc, `search`.
 */
export class ReferenceScanner {
  /** candidates by their first digits, as far as the filter looks at them */
  readonly #candidates = new Map<number, string[]>()
  /** a bit for each of them: 128 KiB at most, which stay in the processor's cache */
  readonly #filter: Uint8Array
  /** what the filter does not look at, of the first four digits */
  readonly #shift: number
  readonly #found = new Set<string>()
  /** the last 31 bytes: a hash part may begin in them */
  #tail: Buffer = Buffer.alloc(0)

  /**
   * @param hashParts the candidates, 32 digits of nix32 each
   * @throws InvalidStorePath
   */
  constructor(hashParts: Iterable<string>) {
    const parts = new Set(hashParts)
    const bits = parts.size > FEW_CANDIDATES ? BITS_FOR_MANY : BITS_FOR_FEW
    this.#filter = new Uint8Array(1 << (bits - 3))
    this.#shift = BITS_FOR_MANY - bits
    for (const part of parts) {
      if (!/^[0-9abcdfghijklmnpqrsvwxyz]{32}$/.test(part)) {
        throw new InvalidStorePath(part, 'a hash part has 32 digits of nix32')
      }
      const prefix = prefixOfText(part) >>> this.#shift
      this.#filter[prefix >>> 3] = (this.#filter[prefix >>> 3] ?? 0) | (1 << (prefix & 7))
      const alike = this.#candidates.get(prefix)
      if (alike === undefined) this.#candidates.set(prefix, [part])
      else alike.push(part)
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
      const prefix = prefixOf(bytes, at) >>> this.#shift
      if ((((this.#filter[prefix >>> 3] ?? 0) >>> (prefix & 7)) & 1) === 1) this.#compare(bytes, at, prefix)
      at++
    }
  }

  #compare(bytes: Buffer, at: number, prefix: number): void {
    for (const candidate of this.#candidates.get(prefix) ?? []) {
      let index = 0
      while (index < HASH_LENGTH && bytes[at + index] === candidate.charCodeAt(index)) index++
      if (index === HASH_LENGTH) this.#found.add(candidate)
    }
  }
}

function prefixOfText(digits: string): number {
  let prefix = 0
  for (let at = 0; at < 4; at++) prefix = (prefix << 5) | (DIGIT_VALUES[digits.charCodeAt(at)] ?? 0)
  return prefix
}

/** The first four digits, as one number. */
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
