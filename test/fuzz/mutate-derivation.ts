import { bounded, NUMBERS } from './mutate-bytes.ts'
import type { Random } from './random.ts'

/** The tokens of an ATerm: quoted strings, and every other character by itself. */
type Tokens = string[]

const STRINGS = [
  '',
  'out',
  'dev',
  'sha256',
  'r:sha256',
  'r:sha1',
  'md5',
  'text:sha256',
  'git:sha1',
  'impure',
  '__json',
  '{}',
  '[]',
  'null',
  '{"__proto__":1}',
  '{"requiredSystemFeatures":[1]}',
  '__proto__',
  'constructor',
  'name',
  'builder',
  '\\0',
  '\\"',
  '\\\\',
  '\\n',
  '\\a',
  '\\',
  '\n',
  '\0',
  '\xff',
  'requiredSystemFeatures',
  'allowSubstitutes',
  '/nix/store',
  '/nix/store/',
  '/nix/store/..',
  '../x',
  '0'.repeat(64),
  'A'.repeat(64),
  '10',
  '9',
  '[',
  '),(',
  ...NUMBERS,
].map((text) => `"${text}"`)

const TOKENS = [...'()[],"\\ \n\0'.split(''), 'Derive', 'DrvWithVersion("xp-dyn-drv",']
const CHARACTERS = [...'0aZz/.-+= \0\x7f\xff'.split(''), '', '.drv']

/** One mutation of the tokens of a derivation, one character a byte. */
export function mutateDerivation(bytes: Buffer, random: Random, corpus: readonly Buffer[]): Buffer {
  const tokens = tokensOf(bytes)
  if (tokens.length === 0) return bytes
  const mutated = random.pick(MUTATIONS)(tokens, random, tokensOf(random.pick(corpus)))
  return bounded(Buffer.from(mutated.join(''), 'latin1'))
}

const MUTATIONS: ((tokens: Tokens, random: Random, other: Tokens) => Tokens)[] = [
  // any token goes, stands twice, or becomes another
  (tokens, random) => tokens.toSpliced(random.below(tokens.length), 1),
  (tokens, random) => tokens.toSpliced(random.below(tokens.length), 0, token(tokens, random)),
  (tokens, random) => tokens.with(random.below(tokens.length), token(tokens, random)),
  (tokens, random) => tokens.with(random.below(tokens.length), random.pick(TOKENS)),
  // a string becomes another
  (tokens, random) => edit(tokens, random, () => random.pick(STRINGS)),
  (tokens, random) => edit(tokens, random, () => text(tokens, random)),
  (tokens, random, other) => edit(tokens, random, () => text(other, random)),
  // a character of a string is escaped without need, or not escaped, or changed
  (tokens, random) =>
    edit(tokens, random, (string) => {
      const at = 1 + random.below(string.length - 1)
      return `${string.slice(0, at)}\\${string.slice(at)}`
    }),
  (tokens, random) =>
    edit(tokens, random, (string) =>
      string.replace(/\\([nrt"\\])/, (all, escaped: string) =>
        random.pick([escaped, '\n', '\r', '\t', `\\${all}`]),
      ),
    ),
  (tokens, random) =>
    edit(tokens, random, (string) => {
      const at = 1 + random.below(string.length - 1)
      return `${string.slice(0, at)}${random.pick(CHARACTERS)}${string.slice(at + 1)}`
    }),
  // two strings change places
  (tokens, random) => {
    const [a, b] = [random.pick(strings(tokens)), random.pick(strings(tokens))]
    return tokens.with(a, tokens[b] ?? '').with(b, tokens[a] ?? '')
  },
  // an item of a list goes, stands twice, comes from another derivation, changes places with its neighbour
  (tokens, random) => {
    const [start, end] = bracketed(tokens, random)
    return tokens.toSpliced(start, end - start + (tokens[end] === ',' ? 1 : 0))
  },
  (tokens, random) => {
    const [start, end] = bracketed(tokens, random)
    return tokens.toSpliced(end, 0, ',', ...tokens.slice(start, end))
  },
  (tokens, random, other) => {
    const [start, end] = bracketed(tokens, random)
    const [from, to] = bracketed(other, random)
    return random.oneIn(2)
      ? tokens.toSpliced(start, end - start, ...other.slice(from, to))
      : tokens.toSpliced(end, 0, ',', ...other.slice(from, to))
  },
  (tokens, random) => {
    const [start, end] = bracketed(tokens, random)
    if (tokens[end] !== ',') return tokens
    const [, next] = bracketed(tokens, random, end + 1)
    return tokens.toSpliced(
      start,
      next - start,
      ...tokens.slice(end + 1, next),
      ',',
      ...tokens.slice(start, end),
    )
  },
  // brackets, very many
  (tokens, random) =>
    tokens.toSpliced(random.below(tokens.length), 0, random.pick(['(', '[']).repeat(10_000)),
]

function tokensOf(bytes: Buffer): Tokens {
  return bytes.toString('latin1').match(/"(?:[^"\\]|\\[^])*"|[^]/g) ?? []
}

function token(tokens: Tokens, random: Random): string {
  return tokens[random.below(tokens.length)] ?? ''
}

/** Where strings stand; the beginning, when there are none. */
function strings(tokens: Tokens): number[] {
  const found = tokens.flatMap((each, at) => (each.length > 1 && each.startsWith('"') ? [at] : []))
  return found.length === 0 ? [0] : found
}

function text(tokens: Tokens, random: Random): string {
  return tokens[random.pick(strings(tokens))] ?? ''
}

function edit(tokens: Tokens, random: Random, change: (string: string) => string): Tokens {
  const at = random.pick(strings(tokens))
  return tokens.with(at, change(tokens[at] ?? ''))
}

/** Where a bracketed part begins and ends; one that begins at a place, if it is given. */
function bracketed(tokens: Tokens, random: Random, from?: number): [start: number, end: number] {
  const opening = tokens.flatMap((each, at) => (each === '(' || each === '[' ? [at] : []))
  if (opening.length === 0) return [0, tokens.length]
  const start = from ?? random.pick(opening)
  let depth = 0
  for (let at = start; at < tokens.length; at++) {
    const each = tokens[at]
    if (each === '(' || each === '[') depth++
    if ((each === ')' || each === ']') && --depth === 0) return [start, at + 1]
  }
  return [start, tokens.length]
}
