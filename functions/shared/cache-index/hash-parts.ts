import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { describeError, HearthError } from '../errors.ts'

/** An object of the index that is not what its key says. */
export class IndexDamaged extends HearthError {
  override name = 'IndexDamaged'
  constructor(key: string, reason: string) {
    super(`${key} of the state bucket ${reason}: make the index again with \`hearth index rebuild\``)
  }
}

// 32 digits of nix32 and a newline.
const LINE = 33
const DIGITS = LINE - 1
const HEADER = '# hearth cache index, version 1'.padEnd(DIGITS)
// 15 million hash parts. V8's strings have 512 MiB at most.
// In pieces of 16 KiB, as is zlib's default, each would go to another thread and back: four times as long.
const LIMITS = { maxOutputLength: 15_000_000 * LINE, chunkSize: 1024 ** 2 }

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/**
 * A set of hash parts, as an object of the index holds them: zstd, one a line, sorted, below a line that names the format. The lines are equally long, so one is
 * found by halving, and nothing needs to be made of the text first. A digit has 5 bits of chance, so zstd makes some 20 bytes of a line, as many as the hash has itself.
 */
export class HashParts {
  /** one byte a character, as V8 keeps it */
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  /** In any order, and more than once, if they like. */
  static of(hashParts: Iterable<string>): HashParts {
    return new HashParts([HEADER, ...[...new Set(hashParts)].sort(), ''].join('\n'))
  }

  /**
   * @param key of the object, for the error's message
   * @throws IndexDamaged
   */
  static async unpack(key: string, bytes: Uint8Array): Promise<HashParts> {
    let text: string
    try {
      text = (await decompress(bytes, LIMITS)).toString('latin1')
    } catch (error) {
      throw new IndexDamaged(key, `cannot be unpacked (${describeError(error).message})`)
    }
    if (!text.startsWith(`${HEADER}\n`)) throw new IndexDamaged(key, 'is no list of hash parts of version 1')
    if (text.length % LINE !== 0) throw new IndexDamaged(key, 'ends in the middle of a line')
    return new HashParts(text)
  }

  async pack(): Promise<Buffer> {
    return compress(Buffer.from(this.#text, 'latin1'))
  }

  get size(): number {
    return this.#text.length / LINE - 1
  }

  has(hashPart: string): boolean {
    return this.#at(this.#placeOf(hashPart)) === hashPart
  }

  /** A quick `has` for so many questions. Halving takes some 20 looks at the text; a set is made with one for each that it has. */
  lookup(questions: number): { has(hashPart: string): boolean } {
    return this.size < questions * 20 ? new Set(this.#text.split('\n')) : this
  }

  /** With some more, and without others: what is in both is left out. As much work as there are changes, and one copy. */
  changed(added: Iterable<string>, removed: ReadonlySet<string>): HashParts {
    const more = [...new Set(added)].filter((hashPart) => !removed.has(hashPart) && !this.has(hashPart))
    const less = [...removed].filter((hashPart) => this.has(hashPart))
    const pieces: string[] = []
    let copied = 0
    for (const hashPart of [...more, ...less].sort()) {
      const place = this.#placeOf(hashPart)
      pieces.push(this.#text.slice(copied, place))
      copied = place
      if (removed.has(hashPart)) copied += LINE
      else pieces.push(`${hashPart}\n`)
    }
    return new HashParts([...pieces, this.#text.slice(copied)].join(''))
  }

  /** In order. */
  *[Symbol.iterator](): Generator<string> {
    for (let place = LINE; place < this.#text.length; place += LINE) yield this.#at(place)
  }

  #at(place: number): string {
    return this.#text.slice(place, place + DIGITS)
  }

  /** Where its line begins, or would have to be put in. */
  #placeOf(hashPart: string): number {
    let [low, high] = [1, this.size + 1]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#at(middle * LINE) < hashPart) low = middle + 1
      else high = middle
    }
    return low * LINE
  }
}
