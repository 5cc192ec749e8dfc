import { formatHash, InvalidHash, parseHash } from './hash.ts'
import { baseNameOf, fromBaseName, InvalidStorePath, parseStorePath, type StorePath } from './store-path.ts'

/** What a binary cache says of one store path: the content of `<hash part>.narinfo`. */
export interface NarInfo {
  storePath: StorePath
  /** where the NAR is, relative to the cache: `nar/<file hash>.nar.zst` */
  url: string
  /** `none`, `xz`, `zstd`, `bzip2`, … */
  compression: string
  /** of the compressed file, `sha256:<nix32>` */
  fileHash?: string
  /** bytes of the compressed file */
  fileSize?: number
  /** of the NAR itself, `sha256:<nix32>` */
  narHash: string
  /** bytes of the NAR itself, more than 0 */
  narSize: number
  references: StorePath[]
  /** the derivation that built it */
  deriver?: StorePath
  /** `<key name>:<base64>`, in the order of the file */
  signatures: string[]
  /** content address, such as `fixed:r:sha256:<nix32>`, of a path that needs no signature */
  ca?: string
  /** fields that are not known here, in the order of the file: kept, so that what is read can be written again */
  extra?: [name: string, value: string][]
}

/** A narinfo that Nix would misread or refuse, or that nobody should serve. */
export class InvalidNarInfo extends Error {
  override name = 'InvalidNarInfo'
}

/** Fields of a narinfo that are read here; each but `Sig` may stand once. */
const KNOWN = new Set([
  'StorePath',
  'URL',
  'Compression',
  'FileHash',
  'FileSize',
  'NarHash',
  'NarSize',
  'References',
  'Deriver',
  'CA',
])

/**
 * Parses a narinfo: one `Name: value` a line, each line ending in a newline. Stricter than Nix where a sloppy file would hide an error: a field
 * other than `Sig` must not repeat, numbers are plain decimal up to 2^53 - 1, no NUL or carriage return. Hashes may be nix32, base16, base64 or SRI, and
 * become `sha256:<nix32>`. A missing `Compression` means bzip2. Source: Nix, src/libstore/nar-info.cc, unchanged in this from 2.8 to 2.34.
 * @throws InvalidNarInfo which says what is wrong and where
 */
export function parseNarInfo(text: string): NarInfo {
  const { fields, signatures, extra } = readFields(text)
  const required = (name: string): string => {
    const value = fields.get(name)
    if (value === undefined || value === '') throw new InvalidNarInfo(`narinfo without ${name}`)
    return value
  }
  const fileHash = fields.get('FileHash')
  const fileSize = fields.get('FileSize')
  const deriver = fields.get('Deriver')
  const ca = fields.get('CA')
  const narSize = parseSize('NarSize', required('NarSize'))
  if (narSize === 0)
    throw new InvalidNarInfo('NarSize is 0, but the smallest NAR (an empty directory) has 96 bytes')
  return {
    storePath: rethrow('StorePath', () => parseStorePath(required('StorePath'))),
    url: required('URL'),
    compression: fields.get('Compression') || 'bzip2',
    ...(fileHash === undefined
      ? {}
      : { fileHash: rethrow('FileHash', () => formatHash(parseHash(fileHash))) }),
    ...(fileSize === undefined ? {} : { fileSize: parseSize('FileSize', fileSize) }),
    narHash: parseNarHash(required('NarHash')),
    narSize,
    references: parseReferences(fields.get('References') ?? ''),
    ...(deriver === undefined || deriver === 'unknown-deriver'
      ? {}
      : { deriver: rethrow('Deriver', () => fromBaseName(deriver)) }),
    signatures,
    ...(ca === undefined || ca === '' ? {} : { ca }),
    ...(extra.length === 0 ? {} : { extra }),
  }
}

/**
 * The text of a narinfo, field for field as Nix writes it; what any Nix from 2.8 to 2.34 wrote comes out again byte for byte. References are
 * written as the sorted set that they are.
 * @throws InvalidNarInfo when a value would break out of its line
 */
export function formatNarInfo(info: NarInfo): string {
  const line = (name: string, value: string | number): string => {
    const text = `${name}: ${value}`
    if (/[\n\r\0]/.test(text)) {
      throw new InvalidNarInfo(
        `${info.storePath}: ${name} cannot be written in one line: ${JSON.stringify(value)}`,
      )
    }
    return `${text}\n`
  }
  let text = line('StorePath', info.storePath) + line('URL', info.url) + line('Compression', info.compression)
  if (info.fileHash !== undefined) text += line('FileHash', info.fileHash)
  if (info.fileSize !== undefined) text += line('FileSize', info.fileSize)
  text += line('NarHash', info.narHash) + line('NarSize', info.narSize)
  text += line('References', sortedSet(info.references).map(baseNameOf).join(' '))
  if (info.deriver !== undefined) text += line('Deriver', baseNameOf(info.deriver))
  for (const signature of info.signatures) text += line('Sig', signature)
  if (info.ca !== undefined) text += line('CA', info.ca)
  for (const [name, value] of info.extra ?? []) text += line(name, value)
  return text
}

/**
 * The text that a narinfo signature covers: `1;<store path>;<NarHash as nix32>;<NarSize>;<references>`.
 * References are absolute, sorted, comma-separated; the path itself is included when it refers to itself.
 * Not covered: URL, compression, FileHash, Deriver, CA. Source: Nix, `ValidPathInfo::fingerprint`.
 * @throws InvalidNarInfo when NarHash is no SHA-256 in nix32, or NarSize is no size
 */
export function fingerprint(info: Pick<NarInfo, 'storePath' | 'narHash' | 'narSize' | 'references'>): string {
  if (!/^sha256:[0-9abcdfghijklmnpqrsvwxyz]{52}$/.test(info.narHash)) {
    throw new InvalidNarInfo(`${info.storePath}: only a SHA-256 in nix32 can be signed, not ${info.narHash}`)
  }
  if (!Number.isSafeInteger(info.narSize) || info.narSize <= 0) {
    throw new InvalidNarInfo(`${info.storePath}: ${info.narSize} is not the size of a NAR`)
  }
  return `1;${info.storePath};${info.narHash};${info.narSize};${sortedSet(info.references).join(',')}`
}

interface Fields {
  fields: Map<string, string>
  signatures: string[]
  extra: [string, string][]
}

function readFields(text: string): Fields {
  if (/[\0\r]/.test(text)) throw new InvalidNarInfo('narinfo contains a NUL or a carriage return')
  if (!text.endsWith('\n')) throw new InvalidNarInfo('narinfo does not end in a newline: it may be cut short')
  const read: Fields = { fields: new Map(), signatures: [], extra: [] }
  let line = 0
  for (let start = 0; start < text.length;) {
    line++
    const end = text.indexOf('\n', start)
    // The first colon, with a space behind it: Nix takes whatever stands there, and would read 'URL:x: y' as another URL.
    const colon = text.indexOf(':', start)
    if (colon <= start || colon >= end || text[colon + 1] !== ' ')
      throw new InvalidNarInfo(`narinfo line ${line} is not 'Name: value'`)
    const name = text.slice(start, colon)
    const value = text.slice(colon + 2, end)
    if (name === 'Sig') read.signatures.push(value)
    else if (!KNOWN.has(name)) read.extra.push([name, value])
    else if (read.fields.has(name)) throw new InvalidNarInfo(`narinfo line ${line}: a second ${name}`)
    else read.fields.set(name, value)
    start = end + 1
  }
  return read
}

function parseSize(field: string, text: string): number {
  const size = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(size)) {
    throw new InvalidNarInfo(
      `${field} is ${JSON.stringify(text.slice(0, 40))}, not a number of bytes below 2^53`,
    )
  }
  return size
}

function parseNarHash(text: string): string {
  const hash = rethrow('NarHash', () => parseHash(text))
  if (hash.algorithm !== 'sha256')
    throw new InvalidNarInfo(`NarHash must be a SHA-256, not ${hash.algorithm}`)
  return formatHash(hash)
}

function parseReferences(text: string): StorePath[] {
  if (text === '') return []
  return text.split(' ').map((base) => rethrow('References', () => fromBaseName(base)))
}

function rethrow<T>(field: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof InvalidStorePath || error instanceof InvalidHash) {
      throw new InvalidNarInfo(`${field}: ${error.message}`)
    }
    throw error
  }
}

/** Store paths as the sorted set that Nix keeps: the order of their bytes, each once. */
function sortedSet(paths: StorePath[]): StorePath[] {
  return isSortedSet(paths) ? paths : [...new Set(paths)].sort()
}

function isSortedSet(paths: StorePath[]): boolean {
  return paths.every((path, index) => index === 0 || (paths[index - 1] ?? '') < path)
}
