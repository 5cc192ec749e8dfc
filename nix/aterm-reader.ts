const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const CLOSING_BRACKET = 0x5d

/** What an escaped character stands for; any other stands for itself. Source: Nix, src/libstore/derivations.cc, `parseString`. */
const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' }

/**
 * Reads the subset of the ATerm format that Nix writes, one token after the other, from a text held whole. It is on a hot path (a graph has tens of
 * thousands of derivations): strings without escapes are slices, and the engine's own search finds their ends.
 */
export class ATermReader {
  offset: number
  readonly text: string
  readonly #fail: (reason: string, offset: number) => never

  /**
   * @param fail is called with what was wrong and where, and throws the error that the format's own parser promises
   * @param offset where to begin
   */
  constructor(text: string, fail: (reason: string, offset: number) => never, offset = 0) {
    this.text = text
    this.#fail = fail
    this.offset = offset
  }

  /** Whether this stands next. */
  startsWith(literal: string): boolean {
    return this.text.startsWith(literal, this.offset)
  }

  /** Reads exactly this. */
  expect(literal: string): void {
    if (!this.startsWith(literal)) this.#unexpected(`'${literal}'`)
    this.offset += literal.length
  }

  /** Reads the rest of a list whose `[` has been read, one call of `item` for each of its items, up to and with its `]`. */
  list(item: () => void): void {
    if (this.text.charCodeAt(this.offset) === CLOSING_BRACKET) {
      this.offset++
      return
    }
    for (;;) {
      item()
      const next = this.text.charCodeAt(this.offset)
      if (next !== COMMA && next !== CLOSING_BRACKET) this.#unexpected(`',' or ']'`)
      this.offset++
      if (next === CLOSING_BRACKET) return
    }
  }

  /** Reads a quoted string and returns it without quotes and escapes. */
  string(): string {
    const start = this.offset + 1
    this.skipString()
    const raw = this.text.slice(start, this.offset - 1)
    return raw.includes('\\') ? unescape(raw) : raw
  }

  /** Reads a quoted string without making anything of it. */
  skipString(): void {
    if (this.text.charCodeAt(this.offset) !== QUOTE) this.#unexpected('a string')
    for (let from = this.offset + 1; ;) {
      const quote = this.text.indexOf('"', from)
      if (quote < 0) this.#fail('a string has no end', this.offset)
      // A quote ends the string unless it is escaped: an odd number of backslashes stands before it.
      let backslash = quote - 1
      while (backslash >= from && this.text.charCodeAt(backslash) === BACKSLASH) backslash--
      if (((quote - backslash) & 1) === 1) {
        this.offset = quote + 1
        return
      }
      from = quote + 1
    }
  }

  /** Checks that nothing follows. */
  end(): void {
    if (this.offset !== this.text.length) this.#unexpected('the end')
  }

  #unexpected(wanted: string): never {
    const found = this.text.slice(this.offset, this.offset + 20)
    return this.#fail(
      `${wanted} was expected, found ${found === '' ? 'the end' : JSON.stringify(found)}`,
      this.offset,
    )
  }
}

function unescape(raw: string): string {
  let value = ''
  let from = 0
  for (let backslash = raw.indexOf('\\'); backslash >= 0; backslash = raw.indexOf('\\', from)) {
    const escaped = raw.charAt(backslash + 1)
    value += raw.slice(from, backslash) + (ESCAPES[escaped] ?? escaped)
    from = backslash + 2
  }
  return value + raw.slice(from)
}
