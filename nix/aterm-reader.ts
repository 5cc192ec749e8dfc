const QUOTE = 0x22
const COMMA = 0x2c
const CLOSING_BRACKET = 0x5d

/** What an escaped character stands for; any other stands for itself. Source: Nix, src/libstore/derivations.cc, `parseString`. */
const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' }

/**
 * Reads the subset of the ATerm format that Nix writes, one token after the other, from a text held whole. It is on a hot path (a graph has tens of
 * thousands of derivations): strings without escapes are slices, and the engine's own search finds their ends.
 */
export class ATermReader {
  offset = 0
  readonly #text: string
  readonly #fail: (reason: string, offset: number) => never
  /** where the next backslash is; -1: not looked for yet; the text's length: there is none */
  #backslash = -1

  /** @param fail is called with what was wrong and where, and throws the error that the format's own parser promises */
  constructor(text: string, fail: (reason: string, offset: number) => never) {
    this.#text = text
    this.#fail = fail
  }

  /** Whether this stands next. */
  startsWith(literal: string): boolean {
    return this.#text.startsWith(literal, this.offset)
  }

  /** Reads exactly this. */
  expect(literal: string): void {
    if (!this.startsWith(literal)) this.#unexpected(`'${literal}'`)
    this.offset += literal.length
  }

  /** Reads the rest of a list whose `[` has been read, one call of `item` for each of its items, up to and with its `]`. */
  list(item: () => void): void {
    if (this.#text.charCodeAt(this.offset) === CLOSING_BRACKET) {
      this.offset++
      return
    }
    for (;;) {
      item()
      const next = this.#text.charCodeAt(this.offset)
      if (next !== COMMA && next !== CLOSING_BRACKET) this.#unexpected(`',' or ']'`)
      this.offset++
      if (next === CLOSING_BRACKET) return
    }
  }

  /** Reads a quoted string and returns it without quotes and escapes. */
  string(): string {
    if (this.#text.charCodeAt(this.offset) !== QUOTE) this.#unexpected('a string')
    const start = this.offset + 1
    const end = this.#closingQuote(start)
    if (this.#nextBackslash(start) < end) return this.#escapedString(start)
    this.offset = end + 1
    return this.#text.slice(start, end)
  }

  /** Checks that nothing follows. */
  end(): void {
    if (this.offset !== this.#text.length) this.#unexpected('the end')
  }

  #escapedString(start: number): string {
    let value = ''
    let from = start
    for (;;) {
      const end = this.#closingQuote(from)
      const backslash = this.#nextBackslash(from)
      if (backslash > end) {
        this.offset = end + 1
        return value + this.#text.slice(from, end)
      }
      const escaped = this.#text.charAt(backslash + 1)
      value += this.#text.slice(from, backslash) + (ESCAPES[escaped] ?? escaped)
      from = backslash + 2
    }
  }

  #closingQuote(from: number): number {
    const quote = this.#text.indexOf('"', from)
    return quote < 0 ? this.#fail('a string has no end', this.offset) : quote
  }

  #nextBackslash(from: number): number {
    if (this.#backslash < from) {
      const found = this.#text.indexOf('\\', from)
      this.#backslash = found < 0 ? this.#text.length : found
    }
    return this.#backslash
  }

  #unexpected(wanted: string): never {
    const found = this.#text.slice(this.offset, this.offset + 20)
    return this.#fail(
      `${wanted} was expected, found ${found === '' ? 'the end' : JSON.stringify(found)}`,
      this.offset,
    )
  }
}
