import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase32, encodeBase32, InvalidBase32 } from '../../../nix/base32.ts'

const hex = (text: string): Uint8Array => Buffer.from(text, 'hex')

describe('nix32', () => {
  test.each([
    ['no bytes', '', ''],
    ['one byte', '1f', '0z'],
    ['one full byte', 'ff', '7z'],
    ['five bytes: eight digits without spare bits', '0102030405', '0l2060h1'],
    // sha256 of the empty string, from `nix-hash --type sha256 --base32 --flat /dev/null`
    [
      'a SHA-256',
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      '0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
    ],
  ])('%s', (_, bytes, text) => {
    expect(encodeBase32(hex(bytes))).toBe(text)
    expect(Buffer.from(decodeBase32(text)).toString('hex')).toBe(bytes)
  })

  test.each([
    ['a letter that is no digit', '0e'],
    ['an upper-case letter', '0A'],
    ['a character beyond one byte', '0\u{130}'],
    ['a length that no bytes have', '0'],
    ['another such length', '000'],
    ['spare bits that are not zero', '8z'],
    ['a spare bit in a SHA-256', '2mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'],
  ])('refuses %s', (_, text) => {
    expect(() => decodeBase32(text)).toThrow(InvalidBase32)
  })

  test('any bytes come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(Buffer.from(decodeBase32(encodeBase32(bytes))).equals(bytes)).toBe(true)
      }),
    )
  })

  test('a text that is accepted is the only one for its bytes', () => {
    const digits = fc.constantFrom(...'0123456789abcdfghijklmnpqrsvwxyz'.split(''))
    fc.assert(
      fc.property(fc.string({ unit: digits, maxLength: 60 }), (text) => {
        let bytes: Uint8Array
        try {
          bytes = decodeBase32(text)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidBase32)
          return
        }
        expect(encodeBase32(bytes)).toBe(text)
      }),
    )
  })
})
