import { bounded, LENGTHS } from './mutate-bytes.ts'
import type { Random } from './random.ts'

/** Contents of files are coded like words, so a NAR is a list of byte strings. */
type Words = Buffer[]

const KEYWORDS = [
  'nix-archive-1',
  '(',
  ')',
  'type',
  'regular',
  'symlink',
  'directory',
  'executable',
  'contents',
  'target',
  'entry',
  'name',
  'node',
  '',
  '.',
  '..',
  '/',
  'a/b',
  'a\0b',
  '\xff',
  'A',
  'a',
  'a~nix~case~hack~1',
  'x'.repeat(255),
  'x'.repeat(256),
  'x'.repeat(4095),
  'x'.repeat(4096),
  '../../etc/passwd',
  '/nix/store',
].map(word)
const FILE = ['(', 'type', 'regular', 'contents', 'hi', ')'].map(word)
const LINK = ['(', 'type', 'symlink', 'target', '..', ')'].map(word)
const EMPTY = ['(', 'type', 'directory', ')'].map(word)

/** One mutation of the words of a NAR, or of how one of them is coded. */
export function mutateNar(bytes: Buffer, random: Random, corpus: readonly Buffer[]): Buffer {
  const words = wordsOf(bytes)
  if (words.length === 0) return bytes
  if (random.oneIn(5)) return bounded(encode(words, random.below(words.length), random))
  return bounded(encode(random.pick(MUTATIONS)(words, random, wordsOf(random.pick(corpus)))))
}

const MUTATIONS: ((words: Words, random: Random, other: Words) => Words)[] = [
  // one word becomes another, goes, or comes
  (words, random) => words.with(random.below(words.length), random.pick(KEYWORDS)),
  (words, random) => words.with(random.below(words.length), random.pick(words)),
  (words, random) => words.toSpliced(random.below(words.length), 1 + random.below(3)),
  (words, random) => words.toSpliced(random.below(words.length + 1), 0, random.pick(KEYWORDS)),
  (words, random) => words.toSpliced(words.length, 0, ...words.slice(0, random.below(words.length))),
  // two words change places
  (words, random) => {
    const [a, b] = [random.below(words.length), random.below(words.length)]
    return words.with(a, words[b] ?? FILE_NAME).with(b, words[a] ?? FILE_NAME)
  },
  // a word grows or shrinks, so that its padding does
  (words, random) => {
    const at = random.below(words.length)
    const old = words[at] ?? FILE_NAME
    return words.with(
      at,
      random.oneIn(2)
        ? Buffer.concat([old, Buffer.from([random.below(256)])])
        : old.subarray(0, random.below(old.length + 1)),
    )
  },
  // an object goes, or stands twice, or becomes another one
  (words, random) => {
    const [start, end] = object(words, random)
    return words.toSpliced(start, end - start)
  },
  (words, random) => {
    const [start, end] = object(words, random)
    return words.toSpliced(end, 0, ...words.slice(start, end))
  },
  (words, random, other) => {
    const [start, end] = object(words, random)
    const [from, to] = object(other, random)
    return words.toSpliced(start, end - start, ...other.slice(from, to))
  },
  (words, random) => {
    const [start, end] = object(words, random)
    return words.toSpliced(start, end - start, ...random.pick([FILE, LINK, EMPTY]))
  },
  // an entry more, under a name that may or may not sort well
  (words, random) => {
    const entries = words.flatMap((each, at) => (each.equals(ENTRY) ? [at] : []))
    const at = entries.length === 0 ? words.length - 1 : random.pick(entries)
    const name = random.pick(
      ['', '!', 'a', 'b.', 'bin', 'bin ', 'z', '\xfe', '\xff\xff', '~', 'run', 'Bin'].map(word),
    )
    const more = [
      ENTRY,
      word('('),
      word('name'),
      name,
      word('node'),
      ...random.pick([FILE, LINK, EMPTY]),
      word(')'),
    ]
    return words.toSpliced(at, 0, ...more)
  },
  // a few directories around everything, or very many
  (words, random) => {
    const levels = random.oneIn(3) ? 60 + random.below(8) : random.oneIn(10) ? 200 : 1 + random.below(3)
    const before = ['(', 'type', 'directory', 'entry', '(', 'name', 'd', 'node'].map(word)
    const after = [word(')'), word(')')]
    return [
      ...words.slice(0, 1),
      ...Array.from({ length: levels }, () => before).flat(),
      ...words.slice(1),
      ...Array.from({ length: levels }, () => after).flat(),
    ]
  },
]

const ENTRY = word('entry')
const FILE_NAME = word('a')

/** The words of what may be a NAR; what is no word is left out. */
function wordsOf(bytes: Buffer): Words {
  const words: Words = []
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = bytes.readBigUInt64LE(at)
    if (length > BigInt(bytes.length - at - 8)) break
    words.push(bytes.subarray(at + 8, at + 8 + Number(length)))
    at += 8 + Math.ceil(Number(length) / 8) * 8
  }
  return words
}

/** The words as bytes; one of them, if it is named, coded wrongly. */
function encode(words: Words, wrong = -1, random?: Random): Buffer {
  return Buffer.concat(
    words.flatMap((bytes, at) => {
      const length = Buffer.alloc(8)
      length.writeBigUInt64LE(BigInt(bytes.length))
      const padding = Buffer.alloc(-bytes.length & 7)
      if (at === wrong && random !== undefined) misuse(length, padding, random)
      return [length, bytes, at === wrong && random?.oneIn(4) === true ? padding.subarray(1) : padding]
    }),
  )
}

function misuse(length: Buffer, padding: Buffer, random: Random): void {
  const real = length.readBigUInt64LE()
  const lengths = [
    ...LENGTHS,
    real + 2n ** 32n,
    real + 2n ** 63n,
    real + 1n,
    real + 8n,
    real === 0n ? 0n : real - 1n,
  ]
  if (random.oneIn(3)) length.writeBigUInt64LE(random.pick(lengths))
  else if (padding.length > 0) padding[random.below(padding.length)] = 1 + random.below(255)
}

/** Where an object, or an entry, begins and ends: a bracket and the one that closes it. */
function object(words: Words, random: Random): [start: number, end: number] {
  const opening = words.flatMap((each, at) => (each.length === 1 && each[0] === 0x28 ? [at] : []))
  if (opening.length === 0) return [0, words.length]
  let start = random.pick(opening)
  let depth = 0
  for (let at = start; at < words.length; at++) {
    const text = words[at]?.toString('latin1')
    if (text === '(') depth++
    if (text === ')' && --depth === 0) {
      if (start > 0 && words[start - 1]?.equals(ENTRY) === true) start--
      return [start, at + 1]
    }
  }
  return [start, words.length]
}

function word(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
