import type { Readable } from 'node:stream'
import { NixFailed } from '../machine/errors.ts'

/*
 * How Nix's worker protocol writes values: numbers as 64 bits, little-endian; strings as their length, their bytes, and zeros up to a multiple of 8.
 * Source: Nix, `serialise.cc`.
 */

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

export function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([number(bytes.length), bytes, Buffer.alloc(padding(bytes.length))])
}

export function strings(texts: string[]): Buffer {
  return Buffer.concat([number(texts.length), ...texts.map(string)])
}

export function stringMap(map: Record<string, string>): Buffer {
  const entries = Object.entries(map)
  return Buffer.concat([
    number(entries.length),
    ...entries.flatMap(([key, value]) => [string(key), string(value)]),
  ])
}

function padding(length: number): number {
  return (8 - (length % 8)) % 8
}

// 64 MiB: more than any path, error or list has.
const LONGEST_STRING = 64 * 1024 ** 2

/** Reads values one by one from what a process writes. */
export class WireReader {
  readonly #stream: Readable
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: Readable) {
    this.#stream = stream
    this.#chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  }

  /** @throws NixFailed when the process ends instead */
  async number(): Promise<number> {
    return Number((await this.#read(8)).readBigUInt64LE())
  }

  async string(): Promise<string> {
    const length = await this.number()
    if (length > LONGEST_STRING) {
      this.#stream.destroy()
      throw new NixFailed(`Nix announced a text of ${length} bytes`)
    }
    const bytes = await this.#read(length + padding(length))
    return bytes.toString('utf8', 0, length)
  }

  /** Passes over a text, however long it is: a line of a build's log has no limit, and nobody's build is to suffer for another's. */
  async skipString(): Promise<void> {
    await this.beginning(0)
  }

  /** The first bytes of a text, and not more of it in memory: an error ends with the last lines of a log. */
  async beginning(bytes: number): Promise<string> {
    const length = await this.number()
    const read = await this.#read(Math.min(bytes, length))
    await this.#skip(length + padding(length) - read.length)
    return read.toString('utf8')
  }

  async strings(): Promise<string[]> {
    const texts: string[] = []
    for (let left = await this.number(); left > 0; left--) texts.push(await this.string())
    return texts
  }

  async #read(length: number): Promise<Buffer> {
    const parts = [this.#rest]
    for (let have = this.#rest.length; have < length;) {
      const value = await this.#next()
      parts.push(value)
      have += value.length
    }
    const bytes = parts.length === 1 ? this.#rest : Buffer.concat(parts)
    this.#rest = bytes.subarray(length)
    return bytes.subarray(0, length)
  }

  async #skip(bytes: number): Promise<void> {
    let left = bytes
    while (left > this.#rest.length) {
      left -= this.#rest.length
      this.#rest = await this.#next()
    }
    this.#rest = this.#rest.subarray(left)
  }

  async #next(): Promise<Buffer> {
    const { done, value } = await this.#chunks.next()
    if (done === true) throw new NixFailed('Nix ended in the middle of an answer')
    return value
  }
}
