import { InvalidHash, parseHash } from '../../nix/hash.ts'
import { bounded, NUMBERS } from './mutate-bytes.ts'
import { malleable } from './mutate-signature.ts'
import type { Random } from './random.ts'
import { taken } from './target.ts'

const FIELDS = [
  'StorePath',
  'URL',
  'Compression',
  'FileHash',
  'FileSize',
  'NarHash',
  'NarSize',
  'References',
  'Deriver',
  'Sig',
  'CA',
  'System',
  'sig',
  'NARHASH',
  ' NarHash',
  'NarHash ',
  'Trusted',
  '__proto__',
  '',
]
const BETWEEN = [': ', ':', ':  ', ':\t', ' : ', ':x: ', '::', ':\n', '=', '']

/** One mutation of the lines of a narinfo. */
export function mutateNarInfo(bytes: Buffer, random: Random, corpus: readonly Buffer[]): Buffer {
  const lines = linesOf(bytes)
  const mutated = random.pick(MUTATIONS)(lines, random, linesOf(random.pick(corpus)))
  return bounded(Buffer.from(`${mutated.join('\n')}${random.oneIn(50) ? '' : '\n'}`))
}

type Lines = string[]

const MUTATIONS: ((lines: Lines, random: Random, other: Lines) => Lines)[] = [
  // a line goes, stands twice, comes from another narinfo, or elsewhere
  (lines, random) => lines.toSpliced(random.below(lines.length), 1),
  (lines, random) => lines.toSpliced(random.below(lines.length + 1), 0, line(lines, random)),
  (lines, random, other) => lines.toSpliced(random.below(lines.length + 1), 0, line(other, random)),
  (lines, random) => {
    const at = random.below(lines.length)
    return lines.toSpliced(at, 1).toSpliced(random.below(lines.length), 0, lines[at] ?? '')
  },
  // the same field of another narinfo
  (lines, random, other) => {
    const at = random.below(lines.length)
    const [name = ''] = (lines[at] ?? '').split(':', 1)
    const same = other.filter((each) => each.startsWith(`${name}:`))
    return same.length === 0 ? lines : lines.with(at, random.pick(same))
  },
  // a new line, a new name, a new separator
  (lines, random) =>
    lines.toSpliced(
      random.below(lines.length + 1),
      0,
      `${random.pick(FIELDS)}: ${valueOf(line(lines, random))}`,
    ),
  (lines, random) =>
    edit(lines, random, (name, value) => `${random.pick(FIELDS)}: ${value}${name === '' ? ' ' : ''}`),
  (lines, random) => edit(lines, random, (name, value) => `${name}${random.pick(BETWEEN)}${value}`),
  // a new value
  (lines, random) => edit(lines, random, (name) => `${name}: ${valueOf(line(lines, random))}`),
  (lines, random) => edit(lines, random, (name) => `${name}: ${random.pick(NUMBERS)}`),
  (lines, random) => edit(lines, random, (name, value) => `${name}: ${otherHash(value, random)}`),
  (lines, random) => edit(lines, random, (name, value) => `${name}: ${otherWords(value, lines, random)}`),
  (lines, random) =>
    edit(
      lines,
      random,
      (name, value) => `${name}: ${random.pick([` ${value}`, `${value} `, '', value.toUpperCase()])}`,
    ),
  // another form of a signature
  (lines, random) => {
    const signed = lines.flatMap((each, at) => (each.startsWith('Sig: ') ? [at] : []))
    if (signed.length === 0) return lines
    const at = random.pick(signed)
    return lines.with(at, `Sig: ${malleable(valueOf(lines[at] ?? ''), random)}`)
  },
]

function linesOf(bytes: Buffer): Lines {
  return bytes.toString('utf8').replace(/\n$/, '').split('\n')
}

function line(lines: Lines, random: Random): string {
  return lines[random.below(lines.length)] ?? ''
}

function valueOf(text: string): string {
  return text.slice(text.indexOf(': ') + 2)
}

function edit(lines: Lines, random: Random, change: (name: string, value: string) => string): Lines {
  const at = random.below(lines.length)
  const [name = ''] = (lines[at] ?? '').split(':', 1)
  return lines.with(at, change(name, valueOf(lines[at] ?? '')))
}

/** The same hash in another encoding, or with another algorithm's name. */
function otherHash(value: string, random: Random): string {
  if (!/^sha256:[0-9a-z]{52}$/.test(value)) return value
  const hash = taken(() => parseHash(value), [InvalidHash])
  if (hash === undefined) return value
  const digest = Buffer.from(hash.digest)
  const base64 = digest.toString('base64')
  return random.pick([
    `sha256:${digest.toString('hex')}`,
    `sha256:${digest.toString('hex').toUpperCase()}`,
    `sha256:${base64}`,
    `sha256-${base64}`,
    `sha256-${digest.toString('hex')}`,
    `sha256:${base64.replace('=', '')}`,
    `SHA256:${digest.toString('hex')}`,
    value.slice('sha256:'.length),
    ...['md5', 'sha1', 'sha512', 'blake3', ''].map((algorithm) => `${algorithm}:${value.slice(7)}`),
    `sha1:${digest.toString('hex').slice(0, 40)}`,
    value.replace(':', ':z').slice(0, -1),
  ])
}

/** References in another order, twice, more or fewer of them, with more between them. */
function otherWords(value: string, lines: Lines, random: Random): string {
  const words = value.split(' ')
  const more = valueOf(lines[0] ?? '').slice('/nix/store/'.length)
  return random.pick([
    words.toReversed().join(' '),
    words.toSpliced(random.below(words.length), 1).join(' '),
    [...words, words[0] ?? ''].join(' '),
    [...words, more].join(' '),
    [...words, ...Array.from({ length: 300 }, () => more)].join(' '),
    words.join(random.pick(['  ', '\t', ',', '\u00a0'])),
    words.map((word) => `/nix/store/${word}`).join(' '),
  ])
}
