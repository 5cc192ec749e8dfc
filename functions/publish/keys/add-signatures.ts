import { fingerprint, InvalidNarInfo, parseNarInfo } from '../../../nix/narinfo.ts'
import { publicKeyOf, type SecretKey, sign, verify } from '../../../nix/signature.ts'
import { hashPartOf } from '../../../nix/store-path.ts'

export type Resigned =
  /** the same bytes, and behind its last `Sig` line one for each key that had not signed */
  | { kind: 'signed'; bytes: Uint8Array }
  /** every key has signed it */
  | { kind: 'complete' }
  /** none of the keys has signed it: nobody knows that Publish made it */
  | { kind: 'foreign'; reason: string }

/**
 * Adds the signatures that a published narinfo lacks. Everything else of it stays as it is, byte for byte.
 * @param key where it is in the cache bucket, `<hash part>.narinfo`
 */
export function addSignatures(key: string, bytes: Uint8Array, keys: SecretKey[]): Resigned {
  const text = Buffer.from(bytes).toString('utf8')
  if (!Buffer.from(text).equals(bytes)) return foreign('it is not UTF-8')
  let signed: string
  let signatures: string[]
  try {
    const info = parseNarInfo(text)
    if (key !== `${hashPartOf(info.storePath)}.narinfo`) return foreign(`it is about ${info.storePath}`)
    signed = fingerprint(info)
    signatures = info.signatures
  } catch (error) {
    if (error instanceof InvalidNarInfo) return foreign(error.message)
    throw error
  }
  const missing = keys.filter(
    (key) => !signatures.some((signature) => verify(signed, signature, [publicKeyOf(key)]) !== undefined),
  )
  if (missing.length === keys.length) return foreign('no signing key of ours has signed it')
  if (missing.length === 0) return { kind: 'complete' }
  const lastSig = text.startsWith('Sig: ') ? 0 : text.lastIndexOf('\nSig: ') + 1
  const end = text.indexOf('\n', lastSig) + 1
  const lines = missing.map((key) => `Sig: ${sign(signed, key)}\n`)
  return {
    kind: 'signed',
    bytes: Buffer.from(`${text.slice(0, end)}${lines.join('')}${text.slice(end)}`),
  }
}

function foreign(reason: string): Resigned {
  return { kind: 'foreign', reason }
}
