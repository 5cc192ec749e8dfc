import type { Random } from './random.ts'

/** Makes other bytes of some; never changes those that it is given. `other` is one more input of the same kind. */
export type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer

// 24 KiB: larger inputs show nothing that smaller ones do not, and cost executions. Directories 64 deep take 11 KiB.
const MAX_BYTES = 24 * 1024

/** What parsers of text get wrong: ends of strings and lines, what white space is, what is no UTF-8, what a number is. */
const STRANGE = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\t',
  ' ',
  '  ',
  '\v',
  '\u0085',
  '\u00a0',
  '\u2028',
  '\ufeff',
  '\u202e',
  ':',
  ': ',
  '/',
  '//',
  '../',
  '..',
  '.',
  '\\',
  '"',
  '\\"',
  '%2e',
  '%00',
  '~nix~case~hack~1',
  '-',
  '+',
  '=',
  '🔥',
  'é',
  'e\u0301',
  'İ',
  'ß',
  '\ufffd',
  '__proto__',
  'constructor',
  'toString',
  '(',
  ')',
  '[',
  ']',
  ',',
].map((text) => Buffer.from(text))
const NO_UTF8 = ['ff', 'c0af', 'eda080', 'f4908080', 'e28082e2', '80'].map((hex) => Buffer.from(hex, 'hex'))
/** Numbers at which something overflows, or is no number. */
export const NUMBERS = [
  '0',
  '-1',
  '-0',
  '+1',
  '01',
  '00',
  '1.0',
  '1e3',
  '0x10',
  '0b1',
  '1_000',
  '1,000',
  'NaN',
  'Infinity',
  '',
  ' 1',
  '1 ',
  '95',
  '96',
  '255',
  '256',
  '4095',
  '4096',
  '65536',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551615',
  '18446744073709551616',
  '1'.repeat(400),
  '٣',
  '１',
]
/** The same as 64 bits. */
export const LENGTHS = [
  0n,
  1n,
  7n,
  8n,
  13n,
  31n,
  32n,
  33n,
  255n,
  256n,
  4095n,
  4096n,
  65536n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 32n + 1n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 8n,
  2n ** 64n - 1n,
]

const MUTATIONS: Mutation[] = [
  // one bit
  (bytes, random) => changed(bytes, random.below(bytes.length), (byte) => byte ^ (1 << random.below(8))),
  // one byte
  (bytes, random) => changed(bytes, random.below(bytes.length), () => random.below(256)),
  // one more, one less
  (bytes, random) => changed(bytes, random.below(bytes.length), (byte) => byte + (random.oneIn(2) ? 1 : 255)),
  // a few bytes less
  (bytes, random) => {
    const [start, end] = range(bytes, random)
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
  },
  // the same again, right behind it or elsewhere, once or often
  (bytes, random) => {
    const [start, end] = range(bytes, random)
    const copies = Array.from({ length: random.oneIn(8) ? 1 + random.below(200) : 1 }, () =>
      bytes.subarray(start, end),
    )
    return inserted(bytes, random.oneIn(2) ? end : random.below(bytes.length + 1), Buffer.concat(copies))
  },
  // two ranges change places
  (bytes, random) => {
    const [a = 0, b = 0, c = 0, d = 0] = Array.from({ length: 4 }, () => random.below(bytes.length + 1)).sort(
      (one, two) => one - two,
    )
    const part = (from: number, to?: number): Buffer => bytes.subarray(from, to)
    return Buffer.concat([part(0, a), part(c, d), part(b, c), part(a, b), part(d)])
  },
  // cut short, at the beginning or the end
  (bytes, random) => {
    const at = random.below(bytes.length + 1)
    return random.oneIn(4) ? bytes.subarray(at) : bytes.subarray(0, at)
  },
  // the beginning of this one and the end of another
  (bytes, random, other) =>
    Buffer.concat([
      bytes.subarray(0, random.below(bytes.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]),
  // a part of another one
  (bytes, random, other) => {
    const [start, end] = range(other, random)
    return inserted(bytes, random.below(bytes.length + 1), other.subarray(start, end))
  },
  (bytes, random) => inserted(bytes, random.below(bytes.length + 1), random.pick(STRANGE)),
  (bytes, random) => inserted(bytes, random.below(bytes.length + 1), random.pick(NO_UTF8)),
  // a number that stands there becomes another one
  (bytes, random) => {
    const text = bytes.toString('latin1')
    const numbers = [...text.matchAll(/\d+/g)]
    if (numbers.length === 0) return bytes
    const { index, 0: digits } = random.pick(numbers)
    const other = Buffer.from(random.pick(NUMBERS))
    return Buffer.concat([bytes.subarray(0, index), other, bytes.subarray(index + digits.length)])
  },
  // eight bytes become another length
  (bytes, random) => {
    if (bytes.length < 8) return bytes
    const copy = Buffer.from(bytes)
    copy.writeBigUInt64LE(random.pick(LENGTHS), random.below(Math.floor(bytes.length / 8)) * 8)
    return copy
  },
]

/** Some bytes, changed by one mutation that knows no format. */
export function mutateBytes(bytes: Buffer, random: Random, corpus: readonly Buffer[]): Buffer {
  return bounded(random.pick(MUTATIONS)(bytes, random, random.pick(corpus)))
}

/** The beginning of what became too long. */
export function bounded(bytes: Buffer): Buffer {
  return bytes.length > MAX_BYTES ? bytes.subarray(0, MAX_BYTES) : bytes
}

/** A range of some bytes, most often a short one. */
export function range(bytes: { length: number }, random: Random): [start: number, end: number] {
  const start = random.below(bytes.length)
  const most = random.oneIn(4) ? bytes.length - start : Math.min(16, bytes.length - start)
  return [start, start + Math.min(1 + random.below(most), bytes.length - start)]
}

function changed(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(bytes)
  if (at < copy.length) copy[at] = change(copy[at] ?? 0) & 255
  return copy
}

function inserted(bytes: Buffer, at: number, more: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])
}
