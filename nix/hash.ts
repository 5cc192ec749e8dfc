import { createHash } from 'node:crypto'
import { decodeBase32, encodeBase32, InvalidBase32 } from './base32.ts'

export type HashAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha512'

/** A digest and the algorithm that made it. */
export interface Hash {
  algorithm: HashAlgorithm
  digest: Uint8Array
}

/** Text that is not a hash in any of the forms that Nix reads. */
export class InvalidHash extends Error {
  override name = 'InvalidHash'
  constructor(text: string, reason: string) {
    super(`${JSON.stringify(text.slice(0, 200))} is not a hash: ${reason}`)
  }
}

/** SHA-256 first, because it is the usual one. */
export const HASH_ALGORITHMS: HashAlgorithm[] = ['sha256', 'sha512', 'sha1', 'md5']

/** Digest lengths in bytes. Nix knows no others that a cache may use (blake3 is experimental). */
const DIGEST_BYTES: Record<HashAlgorithm, number> = { md5: 16, sha1: 20, sha256: 32, sha512: 64 }

/**
 * Parses a hash in every form that Nix reads: `sha256:<base16, nix32 or base64>`, told apart by their length, the SRI form `sha256-<base64>`,
 * and, when the algorithm is known from elsewhere, the bare digest in the same three encodings. Source: Nix, `Hash::parseAny`.
 * @param algorithm the algorithm that the context promises; a prefix that says another is an error
 * @throws InvalidHash
 */
export function parseHash(text: string, algorithm?: HashAlgorithm): Hash {
  const prefix = /^([a-z0-9]+)([:-])/.exec(text)
  const named = prefix?.[1]
  if (named === undefined) {
    if (algorithm === undefined) throw new InvalidHash(text, 'it does not say its algorithm')
    return { algorithm, digest: decodeDigest(text, text, algorithm) }
  }
  if (!isHashAlgorithm(named)) throw new InvalidHash(text, `unknown algorithm '${named}'`)
  if (algorithm !== undefined && algorithm !== named) throw new InvalidHash(text, `${algorithm} was expected`)
  const rest = text.slice(named.length + 1)
  const digest = prefix?.[2] === '-' ? decodeBase64(text, rest, named) : decodeDigest(text, rest, named)
  return { algorithm: named, digest }
}

/** `sha256:<nix32>`: the form in narinfos, fingerprints and Nix's database. */
export function formatHash(hash: Hash): string {
  return `${hash.algorithm}:${encodeBase32(hash.digest)}`
}

/** `sha256-<base64>`: the form of Subresource Integrity, in lock files and Nix's newer JSON. */
export function formatSri(hash: Hash): string {
  return `${hash.algorithm}-${Buffer.from(hash.digest).toString('base64')}`
}

/** The SHA-256 of some bytes as `sha256:<nix32>`. */
export function sha256Nix32(bytes: Uint8Array): string {
  return formatHash({ algorithm: 'sha256', digest: createHash('sha256').update(bytes).digest() })
}

/** Whether it is the name of an algorithm that a cache may use. */
export function isHashAlgorithm(text: string): text is HashAlgorithm {
  return Object.hasOwn(DIGEST_BYTES, text)
}

function decodeDigest(text: string, digest: string, algorithm: HashAlgorithm): Uint8Array {
  const bytes = DIGEST_BYTES[algorithm]
  if (digest.length === bytes * 2) {
    if (!/^[0-9a-fA-F]*$/.test(digest))
      throw new InvalidHash(text, 'it has the length of base16 and other characters')
    return Buffer.from(digest, 'hex')
  }
  if (digest.length === Math.ceil((bytes * 8) / 5)) {
    try {
      return decodeBase32(digest)
    } catch (error) {
      if (error instanceof InvalidBase32) throw new InvalidHash(text, error.message)
      throw error
    }
  }
  return decodeBase64(text, digest, algorithm)
}

function decodeBase64(text: string, digest: string, algorithm: HashAlgorithm): Uint8Array {
  const bytes = Buffer.from(digest, 'base64')
  if (bytes.length !== DIGEST_BYTES[algorithm] || bytes.toString('base64') !== digest) {
    throw new InvalidHash(text, `${DIGEST_BYTES[algorithm]} bytes in base16, nix32 or base64 were expected`)
  }
  return bytes
}
