import { describe, test } from 'vitest'
import { baseNameOf, hashPartOf } from '../../nix/store-path.ts'
import { storePath } from '../unit/functions/graphs.ts'
import { nix32, stagedOutput } from '../local/publish/staged-output.ts'
import { attacksOfABuilder, drv, HONEST, type Line, out, type Staged, UNRELATED } from './victim.ts'

/*
 * The attacker is a builder: it was asked to build `app`, and stages any text it likes as the narinfo of it.
 */
const repelled = attacksOfABuilder()

const INVALID = 'StagedResultInvalid'
/** Replaces the value of a field. */
const field = (name: string, value: string): Staged => ({
  narinfo: (text) => text.replace(new RegExp(`^${name}: .*$`, 'm'), () => `${name}: ${value}`),
})
const appended = (line: string): Staged => ({ narinfo: (text) => `${text}${line}\n` })
const glibc = out('glibc')

describe('a narinfo about something else', () => {
  const lines: Line[] = [
    ["another path's name: glibc", { info: { storePath: glibc } }, INVALID, /is about .*-glibc$/],
    ['a path that nobody planned', { info: { storePath: UNRELATED } }, INVALID, /is about .*-unrelated$/],
    ['the same hash with another name', field('StorePath', `${out('app')}-evil`), INVALID, /is about/],
    ['the same path in other letters', field('StorePath', out('app').replace('-app', '-App')), INVALID],
    ['a path outside of the store', field('StorePath', '/etc/passwd'), INVALID, /not a store path/],
    ['a path that climbs out of the store', field('StorePath', '/nix/store/../../etc/passwd'), INVALID],
    ['a file within a store path', field('StorePath', `${out('app')}/bin/sh`), INVALID, /store path itself/],
    ['the store directory of somebody else', field('StorePath', out('app').replace('/nix', '/gnu')), INVALID],
    ['a relative path', field('StorePath', baseNameOf(out('app'))), INVALID],
    [
      'a hash part in letters that nix32 does not have',
      field('StorePath', `/nix/store/${'e'.repeat(32)}-app`),
      INVALID,
    ],
    [
      'a name that begins with ..',
      field('StorePath', `/nix/store/${hashPartOf(out('app'))}-..-app`),
      INVALID,
    ],
    [
      "another derivation's output: a deriver that is not its own",
      { info: { deriver: drv('glibc') } },
      INVALID,
    ],
    ['a deriver outside of the store', field('NarSize', '1000\nDeriver: ../../etc/passwd'), INVALID],
    ['no narinfo at all', { withoutNarInfo: true }, INVALID, /no narinfo of it was staged/],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

describe('a narinfo whose text another reader would read otherwise', () => {
  const lines: Line[] = [
    ['a second StorePath', appended(`StorePath: ${glibc}`), INVALID, /a second StorePath/],
    ['a second NarHash', appended(`NarHash: sha256:${'0'.repeat(52)}`), INVALID, /a second NarHash/],
    ['a second URL', appended('URL: https://evil.example.org/x.nar'), INVALID, /a second URL/],
    ['a second References', appended(`References: ${baseNameOf(UNRELATED)}`), INVALID, /a second References/],
    ['a newline within a value', field('Compression', 'zstd\nStorePath: /nix/store/x'), INVALID],
    ['a field that hides behind two colons', appended('URL:: https://evil.example.org/x.nar'), INVALID],
    ['a field without the space', appended('URL:https://evil.example.org/x.nar'), INVALID],
    ['a line that is no field', appended('<html>'), INVALID, /is not 'Name: value'/],
    ['a carriage return', field('Compression', 'zstd\r'), INVALID, /NUL or a carriage return/],
    ['a NUL in a value', field('URL', 'nar/x\0.nar.zst'), INVALID, /NUL or a carriage return/],
    ['a NUL behind the end', { narinfo: (text) => `${text}\0` }, INVALID],
    ['an empty line, and a second narinfo behind it', { narinfo: (text) => `${text}\n${text}` }, INVALID],
    ['cut short', { narinfo: (text) => text.slice(0, -3) }, INVALID, /cut short/],
    ['nothing', { narinfo: () => '' }, INVALID],
    ['a byte order mark', { narinfo: (text) => `\uFEFF${text}` }, INVALID],
    ['a web page', { narinfo: () => '<html>\n' }, INVALID],
    [
      'narinfo of 1 MiB and a byte',
      { narinfo: (text) => text.padEnd(1024 * 1024 + 1, 'x') },
      'ObjectTooLarge',
    ],
    ['narinfo of 100 MiB', { narinfo: (text) => text.padEnd(100 * 1024 * 1024, 'x') }, 'ObjectTooLarge'],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

describe('a narinfo that sends clients elsewhere for the NAR', () => {
  const digits = nix32(Buffer.from('some other file'))
  const hasTheUrl = /has the URL .*, which its FileHash does not give$/
  const lines: Line[] = [
    ['an absolute URL', field('URL', 'https://evil.example.org/x.nar.zst'), INVALID, hasTheUrl],
    ["a file of the client's own", field('URL', 'file:///etc/shadow'), INVALID, hasTheUrl],
    ['another bucket', field('URL', 's3://evil/nar/x.nar.zst'), INVALID, hasTheUrl],
    ['a URL that climbs with ..', field('URL', `../staging/nar/${digits}.nar.zst`), INVALID, hasTheUrl],
    ['a URL that climbs with %2e%2e', field('URL', `nar/%2e%2e/${digits}.nar.zst`), INVALID, hasTheUrl],
    [
      'a URL with a query',
      { narinfo: (text) => text.replace('.nar.zst\n', '.nar.zst?x\n') },
      INVALID,
      hasTheUrl,
    ],
    ['a URL with two slashes', { narinfo: (text) => text.replace('nar/', '//nar/') }, INVALID, hasTheUrl],
    ['a URL of another file in the cache', field('URL', `nar/${digits}.nar.zst`), INVALID, hasTheUrl],
    ['no URL', { narinfo: (text) => text.replace(/^URL: .*\n/m, '') }, INVALID, /without URL/],
    [
      "a planned path with another run's NAR: in the cache, and not staged by this build",
      async (world) => {
        const theirs = await stagedOutput(glibc, { text: 'the C library of every program' })
        await world.built('app', { out: { ...HONEST, withoutNarInfo: true } })
        await world.stage(out('app'), { ...HONEST, withoutNar: true, file: () => theirs.file })
      },
      INVALID,
      /NAR .* was not staged/,
    ],
    [
      'another compression than the file has: xz',
      { info: { compression: 'xz' } },
      INVALID,
      /says Compression xz/,
    ],
    ['none', { info: { compression: 'none' } }, INVALID, /says Compression none/],
    [
      'none said, which means bzip2',
      { narinfo: (text) => text.replace(/^Compression: .*\n/m, '') },
      INVALID,
      /says Compression bzip2/,
    ],
    ['a word that only looks like zstd', field('Compression', 'ZSTD'), INVALID],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

describe('sizes and hashes that are none', () => {
  const size = /not a number of bytes below 2\^53/
  const lines: Line[] = [
    ['NarSize 2^63', field('NarSize', '9223372036854775808'), INVALID, size],
    ['NarSize 2^64 + 1000, which wraps around', field('NarSize', '18446744073709552616'), INVALID, size],
    ['NarSize 2^53, which a double rounds', field('NarSize', '9007199254740993'), INVALID, size],
    ['a negative NarSize', field('NarSize', '-1'), INVALID, size],
    ['NarSize in hexadecimal', field('NarSize', '0x400'), INVALID, size],
    ['NarSize as a float', field('NarSize', '1e3'), INVALID, size],
    ['NarSize with a zero before it', field('NarSize', '01000'), INVALID, size],
    ['NarSize 0', field('NarSize', '0'), INVALID, /NarSize is 0/],
    ['FileSize 2^63', field('FileSize', '9223372036854775808'), INVALID, size],
    ['a NarHash in letters that nix32 does not have', field('NarHash', `sha256:${'e'.repeat(52)}`), INVALID],
    [
      'a NarHash with one such letter',
      field('NarHash', `sha256:${'0'.repeat(26)}e${'0'.repeat(25)}`),
      INVALID,
    ],
    ['a NarHash a digit too long', field('NarHash', `sha256:${'0'.repeat(53)}`), INVALID],
    ['a NarHash whose first digit is too large', field('NarHash', `sha256:z${'0'.repeat(51)}`), INVALID],
    ['a NarHash by MD5', field('NarHash', `md5:${'0'.repeat(32)}`), INVALID, /must be a SHA-256/],
    ['a NarHash by SHA-1', field('NarHash', `sha1:${'0'.repeat(40)}`), INVALID, /must be a SHA-256/],
    ['no NarHash', { narinfo: (text) => text.replace(/^NarHash: .*\n/m, '') }, INVALID, /without NarHash/],
    [
      "glibc's NarHash over its own bytes",
      async (world) => {
        const { info } = await stagedOutput(glibc, { text: 'the C library of every program' })
        await world.built('app', {
          out: { ...HONEST, info: { narHash: info.narHash, narSize: info.narSize } },
        })
      },
      [INVALID, 'StagedBytesDiffer'],
    ],
    ['no FileHash', { narinfo: (text) => text.replace(/^FileHash: .*\n/m, '') }, INVALID, /has no FileHash/],
    [
      'a content address, which clients take without a signature',
      { info: { ca: `fixed:r:sha256:${'0'.repeat(52)}` } },
      INVALID,
      /claims a content address/,
    ],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

describe('references that are not those of the bytes', () => {
  const differ = 'ReferencesDiffer'
  const many = Array.from({ length: 100_000 }, (_, index) => baseNameOf(storePath(`r${index}`))).join(' ')
  const lines: Line[] = [
    ['a reference outside of the closure', { references: [glibc, UNRELATED] }, differ, /does not contain/],
    ['no reference, so that clients get no glibc', { references: [] }, differ, /undeclared references/],
    ['itself, which it does not mention', { references: [glibc, out('app')] }, differ],
    [
      'itself, mentioned and not declared',
      { text: `${HONEST.text} ${out('app')}` },
      differ,
      /undeclared references to .*-app/,
    ],
    ["glibc's hash under another name", field('References', `${hashPartOf(glibc)}-evil`), differ],
    ['an absolute path', field('References', glibc), INVALID],
    ['a reference that climbs', field('References', `../${baseNameOf(glibc)}`), INVALID],
    ['two spaces', field('References', `${baseNameOf(glibc)}  ${baseNameOf(glibc)}`), INVALID],
    ['a tab', field('References', `${baseNameOf(glibc)}\t${baseNameOf(glibc)}`), INVALID],
    ['100,000 references', field('References', many), 'ObjectTooLarge'],
    ['10,000 references', field('References', many.slice(0, many.indexOf(' ', 400_000))), differ],
    ['a derivation as a reference', { references: [glibc, drv('app')] }, differ],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})
