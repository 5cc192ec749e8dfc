import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fingerprint,
  formatNarInfo,
  InvalidNarInfo,
  type NarInfo,
  parseNarInfo,
} from '../../../nix/narinfo.ts'
import { parseStorePath } from '../../../nix/store-path.ts'
import { anyNarHash, anyStorePath } from './arbitrary.ts'

const HELLO = parseStorePath('/nix/store/0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp-hello-2.12')
const GLIBC = parseStorePath('/nix/store/1a1nfp9zjcwp8ag2j2m3wm9xkf4kfw6z-glibc-2.39')
const NAR_HASH = 'sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s'
const FILE_HASH = 'sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'
const SIGNATURE =
  'cache.example.org-1:dZ6dPIY5bQhBcUbpH+Xp6h7Ea3MgVoQhVUzSZzEuBhKgCC0r3WuYbtDyzuNmI6dXLNPQ0b/0Vu3VhF0UuPZNBA=='

const FULL = `StorePath: ${HELLO}
URL: nar/0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73.nar.zst
Compression: zstd
FileHash: ${FILE_HASH}
FileSize: 50184
NarHash: ${NAR_HASH}
NarSize: 226560
References: 0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp-hello-2.12 1a1nfp9zjcwp8ag2j2m3wm9xkf4kfw6z-glibc-2.39
Deriver: 2b2s0rl1n5k3dq3cwm4r8zh7l5kp5xpx-hello-2.12.drv
Sig: ${SIGNATURE}
Sig: other-1:AAAA
CA: fixed:r:${NAR_HASH}
`

const MINIMAL = `StorePath: ${HELLO}
URL: nar/x.nar
Compression: none
NarHash: ${NAR_HASH}
NarSize: 112
References: 
`

/** The full narinfo with one of its lines replaced; by nothing: without it. */
const withLine = (name: string, line: string): string =>
  FULL.replace(new RegExp(`^${name}: .*\n`, 'm'), line === '' ? '' : `${line}\n`)

describe('parseNarInfo', () => {
  test('reads every field', () => {
    expect(parseNarInfo(FULL)).toEqual({
      storePath: HELLO,
      url: 'nar/0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73.nar.zst',
      compression: 'zstd',
      fileHash: FILE_HASH,
      fileSize: 50184,
      narHash: NAR_HASH,
      narSize: 226560,
      references: [HELLO, GLIBC],
      deriver: '/nix/store/2b2s0rl1n5k3dq3cwm4r8zh7l5kp5xpx-hello-2.12.drv',
      signatures: [SIGNATURE, 'other-1:AAAA'],
      ca: `fixed:r:${NAR_HASH}`,
    } satisfies Record<keyof Omit<NarInfo, 'extra'>, unknown>)
  })

  test.each([
    ['a missing Compression means bzip2', withLine('Compression', ''), { compression: 'bzip2' }],
    [
      'NarHash in base16',
      withLine('NarHash', 'NarHash: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'),
      { narHash: NAR_HASH },
    ],
    [
      'NarHash as SRI',
      withLine('NarHash', 'NarHash: sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='),
      { narHash: NAR_HASH },
    ],
    ['the largest size', withLine('NarSize', 'NarSize: 9007199254740991'), { narSize: 9007199254740991 }],
    ['no references', withLine('References', 'References: '), { references: [] }],
    ['a field that nobody knows yet', `${FULL}Provenance: {"a":1}\n`, { extra: [['Provenance', '{"a":1}']] }],
    [
      'a field order that Nix does not write',
      `Sig: z:1\n${FULL}`,
      { signatures: ['z:1', SIGNATURE, 'other-1:AAAA'] },
    ],
  ])('%s', (_, text, expected) => {
    expect(parseNarInfo(text)).toMatchObject(expected)
  })

  test('unknown-deriver is no deriver', () => {
    expect(parseNarInfo(withLine('Deriver', 'Deriver: unknown-deriver'))).not.toHaveProperty('deriver')
  })

  test.each([
    ['no text', '', 'does not end in a newline'],
    ['a text that is cut short', FULL.slice(0, -5), 'does not end in a newline'],
    ['no StorePath', withLine('StorePath', ''), 'without StorePath'],
    ['no URL', withLine('URL', ''), 'without URL'],
    ['an empty URL', withLine('URL', 'URL: '), 'without URL'],
    ['no NarHash', withLine('NarHash', ''), 'without NarHash'],
    ['no NarSize', withLine('NarSize', ''), 'without NarSize'],
    ['NarSize 0', withLine('NarSize', 'NarSize: 0'), 'NarSize is 0'],
    ['a negative size', withLine('NarSize', 'NarSize: -1'), 'NarSize is "-1"'],
    ['a size with an exponent', withLine('FileSize', 'FileSize: 1e3'), 'FileSize is "1e3"'],
    ['a size with a leading zero', withLine('FileSize', 'FileSize: 010'), 'FileSize is "010"'],
    ['a size beyond 2^53', withLine('NarSize', 'NarSize: 9007199254740992'), 'NarSize'],
    ['a second StorePath', `${FULL}StorePath: ${GLIBC}\n`, 'a second StorePath'],
    ['a second References', `${FULL}References: \n`, 'a second References'],
    ['a second NarHash', `${FULL}NarHash: ${FILE_HASH}\n`, 'a second NarHash'],
    ['a second CA', `${FULL}CA: \n`, 'a second CA'],
    ['a NUL', withLine('URL', 'URL: nar/\0'), 'NUL'],
    ['Windows line ends', FULL.replaceAll('\n', '\r\n'), 'carriage return'],
    ['an empty line', `${FULL}\n`, `not 'Name: value'`],
    ['a line without a colon', `${FULL}nonsense\nURL: x\n`, `not 'Name: value'`],
    ['a colon without a space', `${FULL}A:b\n`, `not 'Name: value'`],
    ['a name with a colon, which Nix reads as a shorter name', `${FULL}URL:x: y\n`, `not 'Name: value'`],
    ['a base name as StorePath', withLine('StorePath', 'StorePath: x'), 'StorePath'],
    ['a file in a store path', withLine('StorePath', `StorePath: ${HELLO}/bin`), 'StorePath'],
    ['an absolute reference', withLine('References', `References: ${GLIBC}`), 'References'],
    ['two spaces between references', FULL.replace('hello-2.12 1a', 'hello-2.12  1a'), 'References'],
    ['a wrong Deriver', withLine('Deriver', 'Deriver: hello.drv'), 'Deriver'],
    [
      'a NarHash that is no SHA-256',
      withLine('NarHash', 'NarHash: md5:900150983cd24fb0d6963f7d28e17f72'),
      'SHA-256',
    ],
    ['a NarHash without algorithm', withLine('NarHash', `NarHash: ${NAR_HASH.slice(7)}`), 'NarHash'],
    ['a wrong FileHash', withLine('FileHash', 'FileHash: sha256:x'), 'FileHash'],
  ])('refuses %s', (_, text, reason) => {
    expect(() => parseNarInfo(text)).toThrow(InvalidNarInfo)
    expect(() => parseNarInfo(text)).toThrow(reason)
  })
})

describe('formatNarInfo', () => {
  test.each([
    ['all fields', FULL],
    ['the fewest fields', MINIMAL],
    ['a field that nobody knows yet', `${FULL}Provenance: {"a":1}\n`],
  ])('writes what it read: %s', (_, text) => {
    expect(formatNarInfo(parseNarInfo(text))).toBe(text)
  })

  test('writes references as a sorted set', () => {
    const info = { ...parseNarInfo(MINIMAL), references: [GLIBC, HELLO, GLIBC] }
    expect(formatNarInfo(info)).toContain(`References: ${HELLO.slice(11)} ${GLIBC.slice(11)}\n`)
  })

  test.each<[string, Partial<NarInfo>]>([
    ['a signature', { signatures: ['a:b\nStorePath: x'] }],
    ['a URL', { url: 'nar/x\nNarSize: 1' }],
    ['an unknown field', { extra: [['A: b\nC', 'd']] }],
    ['a NUL', { compression: '\0' }],
  ])('refuses a value that would become a line of its own: %s', (_, change) => {
    expect(() => formatNarInfo({ ...parseNarInfo(MINIMAL), ...change })).toThrow(InvalidNarInfo)
  })

  test('any narinfo comes back', () => {
    const line = fc.stringMatching(/^[!-~]{1,40}$/)
    const size = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
    const anyNarInfo: fc.Arbitrary<NarInfo> = fc.record(
      {
        storePath: anyStorePath,
        url: line,
        compression: line,
        fileHash: anyNarHash,
        fileSize: size,
        narHash: anyNarHash,
        narSize: size,
        references: fc.uniqueArray(anyStorePath, { maxLength: 5 }).map((paths) => paths.sort()),
        deriver: anyStorePath,
        signatures: fc.array(line, { maxLength: 3 }),
        ca: line,
      },
      { requiredKeys: ['storePath', 'url', 'compression', 'narHash', 'narSize', 'references', 'signatures'] },
    )
    fc.assert(
      fc.property(anyNarInfo, (info) => {
        expect(parseNarInfo(formatNarInfo(info))).toEqual(info)
      }),
    )
  })
})

describe('fingerprint', () => {
  test('covers path, hash, size and the sorted, absolute references, itself included', () => {
    const info = { ...parseNarInfo(FULL), references: [GLIBC, HELLO, GLIBC] }
    expect(fingerprint(info)).toBe(`1;${HELLO};${NAR_HASH};226560;${HELLO},${GLIBC}`)
  })

  test('ends in a semicolon without references', () => {
    expect(fingerprint(parseNarInfo(MINIMAL))).toBe(`1;${HELLO};${NAR_HASH};112;`)
  })

  test.each<[string, Partial<NarInfo>]>([
    [
      'a hash in base16',
      { narHash: 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
    ],
    ['another algorithm', { narHash: 'md5:3jgzhjhz9zjvbb0kyj7jc500ch' }],
    ['a size that is no integer', { narSize: 1.5 }],
    ['size 0', { narSize: 0 }],
    ['a size beyond 2^53', { narSize: 2 ** 53 }],
  ])('refuses %s', (_, change) => {
    expect(() => fingerprint({ ...parseNarInfo(MINIMAL), ...change })).toThrow(InvalidNarInfo)
  })
})
