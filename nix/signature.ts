import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto'

/** A key that signs store paths. The secret itself stays inside the `KeyObject`, which never prints it. */
export interface SecretKey {
  name: string
  key: KeyObject
}

/** A key that a client trusts, as in Nix's `trusted-public-keys`. */
export interface PublicKey {
  name: string
  key: KeyObject
}

/** Text that is no key of Nix's form. The message never contains the text: it may be secret. */
export class InvalidKey extends Error {
  override name = 'InvalidKey'
}

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
// The DER in front of a bare Ed25519 key. Source: RFC 8410, sections 7 (PKCS #8) and 4 (SubjectPublicKeyInfo).
const PRIVATE_KEY_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_KEY_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * Parses a Nix secret key file, `<name>:<base64 of the 32-byte seed and the 32-byte public key>`; white space around it is ignored.
 * @throws InvalidKey also when the two halves do not belong together
 */
export function parseSecretKey(text: string): SecretKey {
  const { name, bytes } = splitKey('secret key', text, KEY_BYTES * 2)
  const key = createPrivateKey({
    key: Buffer.concat([PRIVATE_KEY_PREFIX, bytes.subarray(0, KEY_BYTES)]),
    format: 'der',
    type: 'pkcs8',
  })
  if (!rawPublicKey(createPublicKey(key)).equals(bytes.subarray(KEY_BYTES))) {
    throw new InvalidKey(`secret key '${name}': its public half does not belong to its secret half`)
  }
  return { name, key }
}

/**
 * Parses a Nix public key, `<name>:<base64 of 32 bytes>`; white space around it is ignored.
 * @throws InvalidKey
 */
export function parsePublicKey(text: string): PublicKey {
  const { name, bytes } = splitKey('public key', text, KEY_BYTES)
  return {
    name,
    key: createPublicKey({ key: Buffer.concat([PUBLIC_KEY_PREFIX, bytes]), format: 'der', type: 'spki' }),
  }
}

/**
 * A new Ed25519 key, as `nix key generate-secret --key-name` makes.
 * @param name what signatures begin with, by custom `<host name>-<number>`
 * @throws InvalidKey when the name is empty or has a colon or white space
 */
export function generateSecretKey(name: string): SecretKey {
  checkName(name)
  return { name, key: generateKeyPairSync('ed25519').privateKey }
}

/** The secret key file's text, without a newline. */
export function formatSecretKey(secret: SecretKey): string {
  const seed = Buffer.from(secret.key.export({ format: 'jwk' }).d ?? '', 'base64url')
  return `${secret.name}:${Buffer.concat([seed, rawPublicKey(createPublicKey(secret.key))]).toString('base64')}`
}

/** `<name>:<base64>`, as it stands in `trusted-public-keys`. */
export function formatPublicKey(publicKey: PublicKey): string {
  return `${publicKey.name}:${rawPublicKey(publicKey.key).toString('base64')}`
}

/** The public half, under the same name. */
export function publicKeyOf(secret: SecretKey): PublicKey {
  return { name: secret.name, key: createPublicKey(secret.key) }
}

/** Signs a fingerprint (see `fingerprint` in narinfo.ts): `<key name>:<base64>`, what a narinfo's `Sig` holds. Pure Ed25519, so it is deterministic. */
export function sign(fingerprint: string, secret: SecretKey): string {
  return `${secret.name}:${signBytes(null, Buffer.from(fingerprint), secret.key).toString('base64')}`
}

/**
 * The name of the key that made a signature of this fingerprint; undefined when none of the keys did, or when the signature has not the form
 * `<key name>:<base64 of 64 bytes>`.
 */
export function verify(
  fingerprint: string,
  signature: string,
  publicKeys: Iterable<PublicKey>,
): string | undefined {
  const colon = signature.indexOf(':')
  const name = signature.slice(0, Math.max(colon, 0))
  const bytes = Buffer.from(signature.slice(colon + 1), 'base64')
  if (bytes.length !== SIGNATURE_BYTES || bytes.toString('base64') !== signature.slice(colon + 1))
    return undefined
  for (const publicKey of publicKeys) {
    if (publicKey.name !== name) continue
    if (verifyBytes(null, Buffer.from(fingerprint), publicKey.key, bytes)) return name
  }
  return undefined
}

function splitKey(kind: string, text: string, length: number): { name: string; bytes: Buffer } {
  const trimmed = text.trim()
  const colon = trimmed.indexOf(':')
  if (colon < 0) throw new InvalidKey(`${kind} without the colon that separates its name from its base64`)
  const name = trimmed.slice(0, colon)
  checkName(name)
  const bytes = Buffer.from(trimmed.slice(colon + 1), 'base64')
  if (bytes.length !== length || bytes.toString('base64') !== trimmed.slice(colon + 1)) {
    throw new InvalidKey(`${kind} '${name}' is not ${length} bytes in base64`)
  }
  return { name, bytes }
}

function checkName(name: string): void {
  if (!/^[^\s:]+$/.test(name))
    throw new InvalidKey('the name of a key must not be empty, and has no colon and no white space')
}

/** The 32 bytes of a public key: the end of its DER. */
function rawPublicKey(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES)
}
