import {
  formatPublicKey,
  formatSecretKey,
  InvalidKey,
  parsePublicKey,
  parseSecretKey,
  verify,
} from '../../../nix/signature.ts'
import { malleable } from '../mutate-signature.ts'
import { must, type Target, taken } from '../target.ts'

/** What is under test. */
export interface KeyCode {
  parsePublic: typeof parsePublicKey
  parseSecret: typeof parseSecretKey
  verify: typeof verify
}

/** A text that was signed, and everything that counts as its signature. */
export interface Signed {
  fingerprint: string
  publicKeys: string[]
  signatures: string[]
}

/** Keys and signatures: a key is taken in its one form, and of all texts only those that the signer wrote count as signatures. */
export function keyTarget(
  signed: Signed,
  code: KeyCode = { parsePublic: parsePublicKey, parseSecret: parseSecretKey, verify },
): Target {
  const keys = signed.publicKeys.map(parsePublicKey)
  return {
    name: 'key',
    mutate: (bytes, random) => Buffer.from(malleable(bytes.toString('utf8'), random)),
    check(input) {
      const text = input.toString('utf8')
      const publicKey = taken(() => code.parsePublic(text), [InvalidKey])
      const secretKey = taken(() => code.parseSecret(text), [InvalidKey])
      if (publicKey !== undefined)
        must(formatPublicKey(publicKey) === text.trim(), 'a public key in another form')
      if (secretKey !== undefined)
        must(formatSecretKey(secretKey) === text.trim(), 'a secret key in another form')
      const by = code.verify(signed.fingerprint, text, keys)
      must((by !== undefined) === signed.signatures.includes(text), `a signature by ${by}`)
      return publicKey !== undefined || secretKey !== undefined || by !== undefined
    },
  }
}
