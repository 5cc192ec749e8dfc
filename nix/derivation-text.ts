import { createHash } from 'node:crypto'
import { ATermReader } from './aterm-reader.ts'
import { InvalidDerivation } from './derivation.ts'

type Range = [start: number, end: number]

/** What stands in a `.drv` file besides the builder, its arguments and variables: Nix writes it as it is, and it needs no escapes. */
const PLAIN = /^[^\\]*$/
const BASE16 = /^[0-9a-f]*$/
const ESCAPED = '"\\nrt'

/**
 * The text of a `.drv` file, one character for each of its bytes, and where in it stands what Nix replaces before it hashes it. Only a text that Nix would
 * write is accepted: every set sorted, the escapes that Nix uses and no others. Of another one Nix would not hash the text, but what it would have
 * written itself. Source: Nix, src/libstore/derivations.cc, `Derivation::unparse`.
 */
export class DerivationText {
  readonly bytes: string
  /** the input derivations, without the brackets of their list */
  readonly #inputs: Range
  /** the paths of the own outputs, in the list of outputs and among the variables, in the order of the text */
  readonly #outputPaths: Range[] = []

  /** @throws InvalidDerivation with the offset */
  constructor(bytes: string) {
    this.bytes = bytes
    checkEscapes(bytes)
    const reader = new ATermReader(bytes, fail)
    const outputs = new Set<string>()
    reader.expect('Derive([')
    sorted(reader, () => this.#output(reader, outputs))
    reader.expect(',[')
    const start = reader.offset
    sorted(reader, () => readInput(reader))
    this.#inputs = [start, reader.offset - 1]
    reader.expect(',[')
    sorted(reader, () => plainString(reader))
    reader.expect(',')
    plainString(reader)
    reader.expect(',')
    reader.skipString()
    reader.expect(',[')
    reader.list(() => reader.skipString())
    reader.expect(',[')
    reader.list(() => this.#variable(reader, outputs))
  }

  /**
   * The SHA-256, in base16, of the text with other inputs.
   * @param inputs for each input derivation, or several that are equal, their hash and the names of the outputs that are used
   * @param outputPaths whether the own outputs' paths are left out, as they are while they are computed
   */
  hashModulo(inputs: Map<string, Set<string>>, outputPaths: 'masked' | 'kept'): string {
    const [start, end] = this.#inputs
    const before = outputPaths === 'masked' ? this.#outputPaths.filter(([at]) => at < start) : []
    const behind = outputPaths === 'masked' ? this.#outputPaths.filter(([at]) => at >= end) : []
    const text = [
      this.#without(0, start, before),
      formatInputs(inputs),
      this.#without(end, undefined, behind),
    ]
    return createHash('sha256').update(text.join(''), 'latin1').digest('hex')
  }

  #output(reader: ATermReader, outputs: Set<string>): string {
    reader.expect('(')
    const name = plainString(reader)
    outputs.add(name)
    reader.expect(',')
    this.#outputPath(reader)
    reader.expect(',')
    const hashAlgo = plainString(reader)
    reader.expect(',')
    const at = reader.offset
    const hash = plainString(reader)
    if ((hashAlgo === '' && hash !== '') || !(hash === 'impure' || BASE16.test(hash)))
      fail('a hash without an algorithm, or not in base16', at)
    reader.expect(')')
    return name
  }

  #variable(reader: ATermReader, outputs: Set<string>): void {
    reader.expect('(')
    const name = reader.string()
    reader.expect(',')
    if (outputs.has(name)) this.#outputPath(reader)
    else reader.skipString()
    reader.expect(')')
  }

  #outputPath(reader: ATermReader): void {
    const start = reader.offset + 1
    reader.skipString()
    this.#outputPaths.push([start, reader.offset - 1])
  }

  /** A part of the text without some ranges of it. */
  #without(from: number, to: number | undefined, ranges: Range[]): string {
    let text = ''
    let at = from
    for (const [start, end] of ranges) {
      text += this.bytes.slice(at, start)
      at = end
    }
    return text + this.bytes.slice(at, to)
  }
}

function formatInputs(inputs: Map<string, Set<string>>): string {
  const list = [...inputs].sort(([hash], [other]) => (hash < other ? -1 : 1))
  return list.map(([hash, names]) => `("${hash}",["${[...names].sort().join('","')}"])`).join(',')
}

function readInput(reader: ATermReader): string {
  reader.expect('(')
  const path = plainString(reader)
  reader.expect(',[')
  sorted(reader, () => plainString(reader))
  reader.expect(')')
  return path
}

/** Reads a list of which each item returns what it is sorted by; Nix's sets have each of them once. */
function sorted(reader: ATermReader, item: () => string): void {
  let last: string | undefined
  reader.list(() => {
    const at = reader.offset
    const key = item()
    if (last !== undefined && key <= last) fail(`'${key}' does not sort after '${last}'`, at)
    last = key
  })
}

function plainString(reader: ATermReader): string {
  const start = reader.offset
  reader.skipString()
  const text = reader.text.slice(start + 1, reader.offset - 1)
  return PLAIN.test(text) ? text : fail('an escape where Nix writes none', start)
}

function checkEscapes(bytes: string): void {
  const white = bytes.search(/[\n\r\t]/)
  if (white >= 0) fail('white space that Nix would have escaped', white)
  for (let at = bytes.indexOf('\\'); at >= 0; at = bytes.indexOf('\\', at + 2)) {
    if (!ESCAPED.includes(bytes.charAt(at + 1))) fail('an escape that Nix does not use', at)
  }
}

function fail(reason: string, offset: number): never {
  throw new InvalidDerivation(reason, offset)
}
