import { type NarEntry, NarGrammar } from './nar-grammar.ts'

export type { NarEntry } from './nar-grammar.ts'

/** Bytes that are no NAR; `offset` is where in them, in bytes. */
export class InvalidNar extends Error {
  override name = 'InvalidNar'
  offset: number
  constructor(reason: string, offset: number) {
    super(`not a NAR: ${reason} at byte ${offset}`)
    this.offset = offset
  }
}

/** Who wants to know what is in a NAR while it is checked. */
export interface NarVisitor {
  /** called in the order of the NAR, before the contents */
  entry?(entry: NarEntry): void
  /** the next bytes of the last regular file; they belong to the caller of `write`, and may change after this call */
  contents?(bytes: Uint8Array): void
}

/**
 * Checks the form of a NAR while its bytes stream by: every word, all padding, names (not empty, `.` or `..`; no `/`, no NUL; strictly ascending by bytes),
 * the executable flag, nesting to 64 directories, nothing behind the end. What it accepts is what Nix's own writer makes of some tree, and nothing
 * else. Memory: one word (4 KiB at most) and the names down to it, whatever comes in.
 */
export class NarReader {
  readonly #grammar: NarGrammar
  readonly #visitor: NarVisitor
  #failure: InvalidNar | undefined
  /** the beginning of a word whose rest has not come yet */
  #held: Buffer = Buffer.alloc(0)
  /** where `#held` begins in the NAR */
  #heldOffset = 0
  /** where in the NAR the word that is being read begins: what an error points at */
  #wordOffset = 0
  /** bytes of a file's contents, then zeros, that are still to come */
  #contents = 0
  #padding = 0

  constructor(visitor: NarVisitor = {}) {
    this.#visitor = visitor
    this.#grammar = new NarGrammar(visitor.entry?.bind(visitor), (reason) => this.#fail(reason))
  }

  /** Whether the NAR has ended. */
  get complete(): boolean {
    return this.#grammar.complete
  }

  /**
   * Takes the next bytes, any number of them; they are not kept.
   * @throws InvalidNar; from then on every call throws it
   */
  write(chunk: Uint8Array): void {
    if (this.take(chunk) === chunk.length) return
    this.#wordOffset = this.#heldOffset
    this.#fail('bytes follow its end')
  }

  /**
   * Takes the next bytes up to the end of the NAR, for one that stands in something else and says nowhere how long it is.
   * @returns how many of the bytes belong to the NAR
   * @throws InvalidNar; from then on every call throws it
   */
  take(chunk: Uint8Array): number {
    if (this.#failure !== undefined) throw this.#failure
    if (this.complete) return 0
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const held = this.#held.length
    const input = held === 0 ? bytes : Buffer.concat([this.#held, bytes])
    let at = 0
    for (let next: number | undefined = 0; next !== undefined; next = this.#word(input, at)) {
      at = this.#passContents(input, next)
    }
    this.#held = this.complete ? Buffer.alloc(0) : Buffer.from(input.subarray(at))
    this.#heldOffset += at
    return this.complete ? at - held : chunk.length
  }

  /**
   * Says that no more bytes come.
   * @throws InvalidNar when the NAR is not complete
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#wordOffset = this.#heldOffset + this.#held.length
    if (!this.complete) this.#fail('it ends too early')
  }

  /** Reads the word, or the size of a file, at a position; returns where the next begins, or undefined when this one is not there whole. */
  #word(input: Buffer, at: number): number | undefined {
    this.#wordOffset = this.#heldOffset + at
    if (this.complete || input.length - at < 8) return undefined
    const length = input.readUInt32LE(at) + input.readUInt32LE(at + 4) * 2 ** 32
    const start = at + 8
    if (this.#grammar.expectsContents) {
      if (!Number.isSafeInteger(length)) this.#fail(`a file of ${length} bytes`)
      this.#grammar.contents(length)
      this.#contents = length
      this.#padding = paddingOf(length)
      return start
    }
    const limit = this.#grammar.wordLimit
    if (length > limit) this.#fail(`a word has ${length} bytes, and ${limit} are allowed`)
    const end = start + length
    const next = end + paddingOf(length)
    if (next > input.length) return undefined
    this.#checkZero(input, end, next)
    this.#grammar.word(input.toString('latin1', start, end))
    return next
  }

  /** Passes what is there of a file's contents and padding; returns where the next word begins, or the end. */
  #passContents(input: Buffer, at: number): number {
    const contentsEnd = Math.min(at + this.#contents, input.length)
    if (contentsEnd > at) this.#visitor.contents?.(input.subarray(at, contentsEnd))
    this.#contents -= contentsEnd - at
    if (this.#contents > 0) return contentsEnd
    const end = Math.min(contentsEnd + this.#padding, input.length)
    this.#checkZero(input, contentsEnd, end)
    this.#padding -= end - contentsEnd
    return end
  }

  #checkZero(input: Buffer, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      if (input[at] === 0) continue
      this.#wordOffset = this.#heldOffset + at
      this.#fail('the padding is not zero')
    }
  }

  #fail(reason: string): never {
    this.#failure = new InvalidNar(reason, this.#wordOffset)
    throw this.#failure
  }
}

/** Zeros up to the next multiple of 8. */
function paddingOf(length: number): number {
  return -length & 7
}
