import { createHash, randomUUID } from 'node:crypto'
import jsonata from 'jsonata'

/**
 * The functions of JSONata 2.0.6 as Step Functions has them: all built-ins except `$eval`, and six more. Source: Step Functions developer
 * guide, "Transforming data with JSONata".
 */

const BUILT_IN = [
  'sum',
  'count',
  'max',
  'min',
  'average',
  'string',
  'substring',
  'substringBefore',
  'substringAfter',
  'lowercase',
  'uppercase',
  'length',
  'trim',
  'pad',
  'match',
  'contains',
  'replace',
  'split',
  'join',
  'base64encode',
  'base64decode',
  'encodeUrlComponent',
  'encodeUrl',
  'decodeUrlComponent',
  'decodeUrl',
  'formatNumber',
  'formatBase',
  'formatInteger',
  'parseInteger',
  'number',
  'floor',
  'ceil',
  'round',
  'abs',
  'sqrt',
  'power',
  'random',
  'boolean',
  'not',
  'map',
  'zip',
  'filter',
  'single',
  'reduce',
  'sift',
  'each',
  'sort',
  'shuffle',
  'distinct',
  'reverse',
  'append',
  'keys',
  'lookup',
  'exists',
  'spread',
  'merge',
  'error',
  'assert',
  'type',
  'clone',
  'now',
  'millis',
  'toMillis',
  'fromMillis',
]

const ADDED = ['partition', 'range', 'hash', 'uuid', 'parse']

/** Names of the functions that an expression may call, without the `$`. */
export const FUNCTIONS: ReadonlySet<string> = new Set([...BUILT_IN, ...ADDED])

const HASHES: Record<string, string> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
}

/** Wrong arguments to one of the functions that Step Functions adds. */
class BadArgument extends Error {
  override name = 'BadArgument'
}

function partition(array: unknown[] | undefined, size: number | undefined): unknown[][] | undefined {
  if (array === undefined || size === undefined) return undefined
  if (!Number.isInteger(size) || size < 1)
    throw new BadArgument(`$partition: the size must be a positive integer, not ${size}`)
  return Array.from({ length: Math.ceil(array.length / size) }, (_, i) =>
    array.slice(i * size, (i + 1) * size),
  )
}

function range(
  first: number | undefined,
  last: number | undefined,
  step: number | undefined,
): number[] | undefined {
  if (first === undefined || last === undefined || step === undefined) return undefined
  if (step === 0) throw new BadArgument('$range: the step must not be 0')
  return Array.from(
    { length: Math.max(0, Math.floor((last - first) / step) + 1) },
    (_, i) => first + i * step,
  )
}

function hash(content: string | undefined, algorithm: string | undefined): string | undefined {
  if (content === undefined || algorithm === undefined) return undefined
  const name = Object.hasOwn(HASHES, algorithm) ? HASHES[algorithm] : undefined
  if (!name)
    throw new BadArgument(`$hash: unknown algorithm ${algorithm}; known: ${Object.keys(HASHES).join(', ')}`)
  return createHash(name).update(content).digest('hex')
}

/** A number from 0 to 1; with a seed always the same one for that seed. */
function random(seed: number | undefined): number {
  if (seed === undefined) return Math.random()
  return createHash('sha256').update(String(seed)).digest().readUIntBE(0, 6) / 2 ** 48
}

function parse(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text)
}

/** Compiles an expression with the functions that Step Functions adds. @throws what jsonata throws on a syntax error */
export function compile(expression: string): jsonata.Expression {
  const compiled = jsonata(expression)
  compiled.registerFunction('partition', partition, '<an:a>')
  compiled.registerFunction('range', range, '<nnn:a>')
  compiled.registerFunction('hash', hash, '<ss:s>')
  compiled.registerFunction('random', random, '<n?:n>')
  compiled.registerFunction('uuid', () => randomUUID(), '<:s>')
  compiled.registerFunction('parse', parse, '<s:x>')
  return compiled
}
