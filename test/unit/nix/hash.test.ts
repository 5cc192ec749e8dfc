import { describe, expect, test } from 'vitest'
import {
  formatHash,
  formatSri,
  type HashAlgorithm,
  InvalidHash,
  parseHash,
  sha256Nix32,
} from '../../../nix/hash.ts'

// The hashes of the three bytes "abc": FIPS 180-4 and RFC 1321, in the encodings that `nix hash` printed.
const SHA256_BASE16 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
const SHA256_NIX32 = '1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s'
const SHA256_BASE64 = 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='

describe('parseHash', () => {
  test.each([
    ['base16', `sha256:${SHA256_BASE16}`],
    ['base16 in capitals', `sha256:${SHA256_BASE16.toUpperCase()}`],
    ['nix32', `sha256:${SHA256_NIX32}`],
    ['base64', `sha256:${SHA256_BASE64}`],
    ['SRI', `sha256-${SHA256_BASE64}`],
  ])('reads %s', (_, text) => {
    const hash = parseHash(text)
    expect(hash.algorithm).toBe('sha256')
    expect(Buffer.from(hash.digest).toString('hex')).toBe(SHA256_BASE16)
    expect(formatHash(hash)).toBe(`sha256:${SHA256_NIX32}`)
    expect(formatSri(hash)).toBe(`sha256-${SHA256_BASE64}`)
  })

  test.each<[HashAlgorithm, string, string]>([
    ['md5', '900150983cd24fb0d6963f7d28e17f72', '3jgzhjhz9zjvbb0kyj7jc500ch'],
    ['sha1', 'a9993e364706816aba3e25717850c26c9cd0d89d', 'kpcd173cq987hw957sx6m0868wv3x6d9'],
  ])('reads %s without a prefix when the algorithm is known', (algorithm, base16, nix32) => {
    expect(formatHash(parseHash(base16, algorithm))).toBe(`${algorithm}:${nix32}`)
    expect(formatHash(parseHash(nix32, algorithm))).toBe(`${algorithm}:${nix32}`)
  })

  test.each<[string, string, HashAlgorithm | undefined]>([
    ['nothing', '', undefined],
    ['no algorithm', SHA256_NIX32, undefined],
    ['an unknown algorithm', `sha3:${SHA256_BASE16}`, undefined],
    ['a name that every object has', `constructor:${SHA256_BASE16}`, undefined],
    ['another algorithm than promised', `sha256:${SHA256_BASE16}`, 'sha1'],
    ['a digest that is too short', `sha256:${SHA256_BASE16.slice(2)}`, undefined],
    ['the length of base16 with other characters', `sha256:${SHA256_BASE16.slice(1)}g`, undefined],
    ['nix32 with spare bits', `sha256:2${SHA256_NIX32.slice(1)}`, undefined],
    ['SRI in nix32', `sha256-${SHA256_NIX32}`, undefined],
    ['base64 with other spare bits', `sha256-${SHA256_BASE64.slice(0, -2)}1=`, undefined],
    ['two hashes', `sha256-${SHA256_BASE64} sha256-${SHA256_BASE64}`, undefined],
  ])('refuses %s', (_, text, algorithm) => {
    expect(() => parseHash(text, algorithm)).toThrow(InvalidHash)
  })

  test('sha256Nix32 hashes bytes', () => {
    expect(sha256Nix32(Buffer.from('abc'))).toBe(`sha256:${SHA256_NIX32}`)
  })
})
