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
const HEADER = `${'# hearth cache index, version 1'.padEnd(DIGITS)}\n`
// 256 MiB: 8 million hash parts in one object, 250 million in an index.
const TEXT_LIMIT = 256 * 1024 ** 2

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/**
 * A set of hash parts, as an object of the index holds them: zstd, one a line, sorted, below a line that names the format. The lines are equally long, so one is
 * found by halving, without a copy of the text. A digit has 5 bits of chance, so zstd makes 20 bytes of each line, as many as the hash part has itself.
 */
export class HashParts {
  readonly #text: Buffer

  private constructor(text: Buffer) {
    this.#text = text
  }

  /**
   * @param key of the object, for the error's message
   * @throws IndexDamaged
   */
  static async read(key: string, bytes: Uint8Array): Promise<HashParts> {
    let text: Buffer
    try {
      text = await decompress(bytes, { maxOutputLength: TEXT_LIMIT })
    } catch (error) {
      throw new IndexDamaged(key, `cannot be unpacked (${describeError(error).message})`)
    }
    if (text.toString('latin1', 0, LINE) !== HEADER)
      throw new IndexDamaged(key, 'is no list of hash parts of version 1')
    if (text.length % LINE !== 0) throw new IndexDamaged(key, 'ends in the middle of a line')
    return new HashParts(text)
  }

  get size(): number {
    return this.#text.length / LINE - 1
  }

  has(hashPart: string): boolean {
    const wanted = Buffer.from(hashPart, 'latin1')
    let [low, high] = [1, this.size + 1]
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = this.#text.compare(wanted, 0, DIGITS, middle * LINE, middle * LINE + DIGITS)
      if (order === 0) return true
      if (order < 0) low = middle + 1
      else high = middle
    }
    return false
  }

  *[Symbol.iterator](): Generator<string> {
    for (let at = LINE; at < this.#text.length; at += LINE)
      yield this.#text.toString('latin1', at, at + DIGITS)
  }
}

/** The object that holds these hash parts; in any order, and more than once, if they like. */
export async function formatHashParts(hashParts: Iterable<string>): Promise<Buffer> {
  const sorted = [...new Set(hashParts)].sort()
  return compress(Buffer.from(HEADER + sorted.map((hashPart) => `${hashPart}\n`).join(''), 'latin1'))
}
