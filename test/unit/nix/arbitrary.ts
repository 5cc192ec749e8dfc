import * as fc from 'fast-check'
import { encodeBase32 } from '../../../nix/base32.ts'
import { isStorePath, parseStorePath, type StorePath } from '../../../nix/store-path.ts'

/** Any store path: any hash, any name that Nix allows. */
export const anyStorePath: fc.Arbitrary<StorePath> = fc
  .tuple(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.stringMatching(/^[0-9a-zA-Z+\-._?=]{1,30}$/))
  .map(([hash, name]) => `/nix/store/${encodeBase32(hash)}-${name}`)
  .filter(isStorePath)
  .map(parseStorePath)

/** Any SHA-256 in the form of a narinfo. */
export const anyNarHash: fc.Arbitrary<string> = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((digest) => `sha256:${encodeBase32(digest)}`)
