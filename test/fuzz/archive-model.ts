import { createHash } from 'node:crypto'
import { decodeNarBefore } from './nar-model.ts'

/** One path of an archive of `nix-store --export`, as it says of itself; texts are byte strings, one character a byte. */
export interface ModelPath {
  nar: Buffer
  path: string
  references: string[]
  /** empty for none */
  deriver: string
  /** as Nix 1 wrote it; undefined for none */
  signature: string | undefined
}

class NoArchive extends Error {}

const MAGIC = 0x4558494en
const ALGORITHMS = ['md5', 'sha1', 'sha256', 'sha512']

/**
 * Reads an archive the simple way, with all of it in memory, and as loosely as it can: it looks at neither names nor padding nor order. Shares nothing with
 * `nix/export-archive.ts`. Undefined for what is not even that.
 */
export function decodeArchive(bytes: Buffer): ModelPath[] | undefined {
  let at = 0
  const number = (): bigint => {
    if (at + 8 > bytes.length) throw new NoArchive()
    at += 8
    return bytes.readBigUInt64LE(at - 8)
  }
  const text = (): string => {
    const length = number()
    if (length > BigInt(bytes.length - at)) throw new NoArchive()
    const start = at
    at = Math.min(bytes.length, start + Math.ceil(Number(length) / 8) * 8)
    return bytes.toString('latin1', start, start + Number(length))
  }
  const nar = (): Buffer => {
    const found = decodeNarBefore(bytes.subarray(at))
    if (found === undefined) throw new NoArchive()
    const start = at
    at += found.end
    return bytes.subarray(start, at)
  }
  const list = (): string[] => {
    const count = number()
    // each takes 8 bytes at least
    if (count > BigInt(bytes.length >> 3)) throw new NoArchive()
    return Array.from({ length: Number(count) }, text)
  }
  const paths: ModelPath[] = []
  try {
    for (let mark = number(); mark !== 0n; mark = number()) {
      if (mark !== 1n) throw new NoArchive()
      const contents = nar()
      if (number() !== MAGIC) throw new NoArchive()
      const [path, references, deriver] = [text(), list(), text()]
      const flag = number()
      if (flag > 1n) throw new NoArchive()
      paths.push({ nar: contents, path, references, deriver, signature: flag === 1n ? text() : undefined })
    }
    return at === bytes.length ? paths : undefined
  } catch (error) {
    if (error instanceof NoArchive) return undefined
    throw error
  }
}

/** The one archive of some paths. */
export function encodeArchive(paths: ModelPath[]): Buffer {
  const parts: Buffer[] = []
  const number = (value: number | bigint): void => {
    const word = Buffer.alloc(8)
    word.writeBigUInt64LE(BigInt(value))
    parts.push(word)
  }
  const text = (value: string): void => {
    number(value.length)
    parts.push(Buffer.from(value, 'latin1'), Buffer.alloc(-value.length & 7))
  }
  for (const { nar, path, references, deriver, signature } of paths) {
    number(1)
    parts.push(nar)
    number(MAGIC)
    text(path)
    number(references.length)
    references.forEach(text)
    text(deriver)
    number(signature === undefined ? 0 : 1)
    if (signature !== undefined) text(signature)
  }
  number(0)
  return Buffer.concat(parts)
}

/** The contents of a NAR that is one file, not executable. */
export function fileIn(nar: Buffer): Buffer | undefined {
  const root = decodeNarBefore(nar)?.root
  return root?.type === 'regular' && !root.executable ? root.contents : undefined
}

/** The path that `builtins.toFile`, and every `.drv` file, gets. Source: Nix manual, "Complete store path calculation". */
export function textPath(name: string, contents: Buffer, references: string[]): string {
  return storePath(['text', ...references.toSorted()].join(':'), hex('sha256', contents), name)
}

/** Every path that contents and references give by a content address, under the name that the path has. */
export function addressedPaths({ nar, path, references }: ModelPath): string[] {
  const name = path.slice('/nix/store/'.length + 33)
  const others = references.filter((reference) => reference !== path).toSorted()
  if (references.includes(path)) {
    const type = ['source', ...others, 'self'].join(':')
    return hashesModulo(nar, path.slice('/nix/store/'.length, '/nix/store/'.length + 32)).map((inner) =>
      storePath(type, inner, name),
    )
  }
  const file = fileIn(nar)
  const paths = [storePath(['source', ...others].join(':'), hex('sha256', nar), name)]
  if (file !== undefined) paths.push(textPath(name, file, others))
  if (others.length > 0) return paths
  for (const algorithm of ALGORITHMS) {
    const fixed = (inner: string): string =>
      storePath('output:out', hex('sha256', Buffer.from(`fixed:out:${inner}:`)), name)
    if (algorithm !== 'sha256') paths.push(fixed(`r:${algorithm}:${hex(algorithm, nar)}`))
    if (file !== undefined) paths.push(fixed(`${algorithm}:${hex(algorithm, file)}`))
  }
  return paths
}

/** The two hashes of a NAR in which zeros stand for its own hash part: of older Nix with the places, of newer without. */
function hashesModulo(nar: Buffer, hashPart: string): string[] {
  const text = nar.toString('latin1')
  const places = [...text.matchAll(new RegExp(hashPart, 'g'))].map(({ index }) => `|${index}`).join('')
  const zeroed = text.replaceAll(hashPart, '\0'.repeat(32))
  return [zeroed + places, zeroed].map((each) => hex('sha256', Buffer.from(each, 'latin1')))
}

function storePath(type: string, inner: string, name: string): string {
  const digest = createHash('sha256').update(`${type}:sha256:${inner}:/nix/store:${name}`, 'latin1').digest()
  const folded = Buffer.alloc(20)
  digest.forEach((byte, at) => (folded[at % 20] = (folded[at % 20] ?? 0) ^ byte))
  return `/nix/store/${nix32(folded)}-${name}`
}

/** Nix's digits, by way of one large number: the lowest five bits are the last digit. */
export function nix32(bytes: Buffer): string {
  let value = BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`)
  let text = ''
  for (let digit = 0; digit < Math.ceil((bytes.length * 8) / 5); digit++) {
    text = `${'0123456789abcdfghijklmnpqrsvwxyz'[Number(value % 32n)] ?? ''}${text}`
    value /= 32n
  }
  return text
}

export function hex(algorithm: string, bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest('hex')
}
