import { createHash } from 'node:crypto'
import { formatHash, type Hash, HASH_ALGORITHMS, type HashAlgorithm } from './hash.ts'
import { makeStorePath } from './make-store-path.ts'
import { hashPartOf, nameOf, type StorePath } from './store-path.ts'

/** What a content address has the hash of: the file itself, or the NAR of the path. Nix knows others (`git`), all experimental. */
export type IngestionMethod = 'flat' | 'recursive'

/** What a path refers to. */
export interface References {
  others: StorePath[]
  /** whether it refers to itself, too */
  self: boolean
}

/** What an address can have hashes of in a store path. They are asked for one by one, the usual ones first. */
export interface ContentHashes {
  hashNar(algorithm: HashAlgorithm): Hash
  /** undefined unless the path is one file that is not executable: nothing else has a flat address */
  hashFile(algorithm: HashAlgorithm): Hash | undefined
  /** of a NAR that refers to itself: `hashesModuloSelf`; none when that cannot be told any more */
  hashNarModuloSelf(hashPart: string): Hash[]
}

const NO_REFERENCES: References = { others: [], self: false }

/**
 * The path of a fixed output, or of a source, which is the same. References are possible with the SHA-256 of a NAR only.
 * Source: Nix, src/libstore/store-api.cc, `StoreDirConfig::makeFixedOutputPath`.
 * @throws InvalidStorePath for a name that no store path may have
 */
export function makeFixedOutputPath(
  name: string,
  method: IngestionMethod,
  hash: Hash,
  references = NO_REFERENCES,
): StorePath {
  if (method === 'recursive' && hash.algorithm === 'sha256') {
    return makeStorePath(typeWithReferences('source', references), base16(hash), name)
  }
  if (!isFree(references)) throw new TypeError(`no ${method} ${hash.algorithm} address has references`)
  const fixed = `fixed:out:${method === 'recursive' ? 'r:' : ''}${hash.algorithm}:${base16(hash)}:`
  return makeStorePath('output:out', createHash('sha256').update(fixed).digest('hex'), name)
}

/**
 * The path of a text that Nix itself has written: `builtins.toFile`, and every `.drv` file. Source: Nix, src/libstore/store-api.cc, `makeTextPath`.
 * @param sha256 of the text, in base16
 * @throws InvalidStorePath for a name that no store path may have
 */
export function makeTextPath(name: string, sha256: string, references: StorePath[]): StorePath {
  return makeStorePath(typeWithReferences('text', { others: references, self: false }), sha256, name)
}

/**
 * The content address that gives a path its name, in the form of a narinfo's `CA` (`text:sha256:…`, `fixed:r:sha256:…`, `fixed:md5:…`, digests in nix32): the
 * proof that the path has these contents and these references, whoever made it. Undefined when none does: for an input-addressed path, other
 * contents, other references, and experimental ways of addressing.
 */
export function contentAddressOf(
  path: StorePath,
  references: Iterable<StorePath>,
  hashes: ContentHashes,
): string | undefined {
  const others = new Set(references)
  const self = others.delete(path)
  for (const candidate of candidates(path, { others: [...others], self }, hashes))
    if (candidate.path === path) return candidate.address
  return undefined
}

/** A content address, and the path that it gives. */
interface Candidate {
  address: string
  path: StorePath
}

function* candidates(
  path: StorePath,
  references: References,
  hashes: ContentHashes,
): Generator<Candidate, void> {
  const name = nameOf(path)
  if (references.self) {
    for (const hash of hashes.hashNarModuloSelf(hashPartOf(path))) yield recursive(name, hash, references)
    return
  }
  const text = hashes.hashFile('sha256')
  if (text !== undefined) {
    const textPath = makeTextPath(name, base16(text), references.others)
    yield { address: `text:${formatHash(text)}`, path: textPath }
  }
  const free = isFree(references)
  for (const algorithm of free ? HASH_ALGORITHMS : (['sha256'] as const)) {
    yield recursive(name, hashes.hashNar(algorithm), references)
    const file = free ? hashes.hashFile(algorithm) : undefined
    if (file !== undefined)
      yield { address: `fixed:${formatHash(file)}`, path: makeFixedOutputPath(name, 'flat', file) }
  }
}

function recursive(name: string, hash: Hash, references: References): Candidate {
  return {
    address: `fixed:r:${formatHash(hash)}`,
    path: makeFixedOutputPath(name, 'recursive', hash, references),
  }
}

/**
 * The SHA-256 of a NAR that refers to itself, modulo its own hash part: zero bytes stand for each occurrence. There are two: older Nix (2.8 is one) adds `|<offset>`
 * of each occurrence behind the NAR, newer (2.34 is one) has lost that. Source: Nix, src/libstore/references.cc, `HashModuloSink`; both measured.
 * @param hashPart 32 digits of nix32
 */
export function hashesModuloSelf(nar: Uint8Array, hashPart: string): Hash[] {
  const bytes = Buffer.from(nar.buffer, nar.byteOffset, nar.byteLength)
  const zeros = Buffer.alloc(hashPart.length)
  const hash = createHash('sha256')
  let offsets = ''
  let from = 0
  for (let at = bytes.indexOf(hashPart); at >= 0; at = bytes.indexOf(hashPart, from)) {
    hash.update(bytes.subarray(from, at)).update(zeros)
    offsets += `|${at}`
    from = at + hashPart.length
  }
  const newer = hash.update(bytes.subarray(from))
  const older = newer.copy().update(offsets)
  return [older, newer].map((one) => ({ algorithm: 'sha256', digest: one.digest() }))
}

function typeWithReferences(type: string, { others, self }: References): string {
  return [type, ...others.toSorted(), ...(self ? ['self'] : [])].join(':')
}

function isFree({ others, self }: References): boolean {
  return others.length === 0 && !self
}

function base16(hash: Hash): string {
  return Buffer.from(hash.digest).toString('hex')
}
