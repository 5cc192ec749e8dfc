import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatPublicKey,
  formatSecretKey,
  generateSecretKey,
  InvalidKey,
  parsePublicKey,
  parseSecretKey,
  publicKeyOf,
  sign,
  verify,
} from '../../../nix/signature.ts'

// RFC 8032, section 7.1, TEST 2: the message is the one byte 0x72, "r".
const SEED = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'
const PUBLIC = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
const SIGNATURE =
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')
const SECRET_KEY = `rfc-8032:${base64(SEED + PUBLIC)}`
const PUBLIC_KEY = `rfc-8032:${base64(PUBLIC)}`

test('signs as RFC 8032 says', () => {
  expect(sign('r', parseSecretKey(SECRET_KEY))).toBe(`rfc-8032:${base64(SIGNATURE)}`)
  expect(verify('r', `rfc-8032:${base64(SIGNATURE)}`, [parsePublicKey(PUBLIC_KEY)])).toBe('rfc-8032')
})

describe('keys', () => {
  test.each([
    ['as it is', SECRET_KEY],
    ['with the newline of a file', `${SECRET_KEY}\n`],
  ])('a secret key is read and written again: %s', (_, text) => {
    const secret = parseSecretKey(text)
    expect(formatSecretKey(secret)).toBe(SECRET_KEY)
    expect(formatPublicKey(publicKeyOf(secret))).toBe(PUBLIC_KEY)
    expect(formatPublicKey(parsePublicKey(PUBLIC_KEY))).toBe(PUBLIC_KEY)
  })

  test('a new key signs, and its text is the same key', () => {
    const secret = generateSecretKey('new-1')
    const signature = sign('text', parseSecretKey(formatSecretKey(secret)))
    expect(signature).toMatch(/^new-1:[A-Za-z0-9+/]{86}==$/)
    expect(verify('text', signature, [publicKeyOf(secret)])).toBe('new-1')
  })

  test.each([
    ['nothing', ''],
    ['no colon', base64(SEED + PUBLIC)],
    ['no name', `:${base64(SEED + PUBLIC)}`],
    ['a name with a space', `a b:${base64(SEED + PUBLIC)}`],
    ['a public key', PUBLIC_KEY],
    ['halves that do not belong together', `a:${base64(SEED + SEED)}`],
    ['text behind the key', `${SECRET_KEY} x`],
    ['no base64', `a:${'*'.repeat(88)}`],
  ])('%s is no secret key, and the message does not give it away', (_, text) => {
    expect(() => parseSecretKey(text)).toThrow(InvalidKey)
    const message = String(catchError(() => parseSecretKey(text)))
    expect(message).not.toContain(base64(SEED + PUBLIC))
    expect(message).not.toContain(base64(SEED).slice(0, 20))
  })

  test.each([
    ['nothing', ''],
    ['a secret key', SECRET_KEY],
    ['too few bytes', `a:${base64(PUBLIC.slice(2))}`],
  ])('%s is no public key', (_, text) => {
    expect(() => parsePublicKey(text)).toThrow(InvalidKey)
  })

  test.each(['', 'a:b', 'a b', 'a\n'])('%j names no key', (name) => {
    expect(() => generateSecretKey(name)).toThrow(InvalidKey)
  })

  test('a secret does not show when its key is printed', () => {
    expect(JSON.stringify(parseSecretKey(SECRET_KEY))).toBe('{"name":"rfc-8032","key":{}}')
  })
})

describe('a signature is believed', () => {
  const mine = generateSecretKey('mine-1')
  const rotated = { ...generateSecretKey('mine-1') }
  const other = generateSecretKey('other-1')
  const signature = sign('fingerprint', mine)
  const keys = [mine, rotated, other].map(publicKeyOf)

  test.each([
    ['from a key in the list', 'fingerprint', signature, 'mine-1'],
    ['from another key of the same name', 'fingerprint', sign('fingerprint', rotated), 'mine-1'],
    ['not of another text', 'Fingerprint', signature, undefined],
    ['not under the name of another key', 'fingerprint', signature.replace('mine', 'other'), undefined],
    [
      'not from a key that is not in the list',
      'fingerprint',
      sign('fingerprint', generateSecretKey('mine-1')),
      undefined,
    ],
    ['not without a name', 'fingerprint', signature.slice('mine-1:'.length), undefined],
    ['not when it is cut short', 'fingerprint', signature.slice(0, -4), undefined],
    ['not with something behind it', 'fingerprint', `${signature} `, undefined],
    ['not when it is empty', 'fingerprint', '', undefined],
  ])('%s', (_, text, signature, name) => {
    expect(verify(text, signature, keys)).toBe(name)
  })

  test('never after any change of its bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(signature.slice('mine-1:'.length), 'base64')
        bytes[at] = (bytes[at] ?? 0) ^ change
        expect(verify('fingerprint', `mine-1:${bytes.toString('base64')}`, keys)).toBeUndefined()
      }),
    )
  })
})

function catchError(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}
