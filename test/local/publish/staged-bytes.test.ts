import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { narBytes } from '../../unit/nix/nar-tree.ts'
import { expectRefused, type Refusal, TEXT } from './refusal.ts'
import { nix32, stagedOutput } from './staged-output.ts'
import { out } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()

// The fifth byte of a zstd frame has a bit that decoders ignore. Source: RFC 8878, section 3.1.1.1.1.3.
const altered = (bytes: Buffer, at: number, bits = 0xff): Buffer => {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ bits, at)
  return copy
}
const file = (...words: Parameters<typeof narBytes>) => narBytes('nix-archive-1', ...words)
const regular = (text: string) =>
  ['(', 'type', 'regular', 'contents', text.length, Buffer.from(text), ')'] as const
const SKIPPABLE_FRAME = Buffer.from('502a4d1804000000aaaaaaaa', 'hex')
// `printf x | xz | xxd -p`: node:zlib knows no xz
const XZ = Buffer.from(
  'fd377a585a000004e6d6b4460200210116000000742fe5a3010000780000000045aeef83f8ee160a00011901a52c81cc1fb6f37d010000000004595a',
  'hex',
)

describe('the stored bytes are read, whatever the narinfo says', () => {
  const cases: Refusal[] = [
    ['the NAR is not there', { withoutNar: true }, 'StagedResultInvalid', /NAR .* was not staged/],
    [
      'the file is truncated',
      { stored: (bytes) => bytes.subarray(0, -5) },
      'StagedResultInvalid',
      /ends before its zstd frame does|unexpected end of file/,
    ],
    [
      'the file is truncated, and its FileHash fits',
      { file: (bytes) => bytes.subarray(0, -5) },
      'StagedResultInvalid',
      /ends before its zstd frame does|unexpected end of file/,
    ],
    [
      'the file is empty',
      { file: () => Buffer.alloc(0) },
      'StagedResultInvalid',
      /ends before its zstd frame does|unexpected end of file/,
    ],
    [
      'a byte of the file is altered',
      { stored: (bytes) => altered(bytes, bytes.length - 20) },
      ['StagedBytesDiffer', 'StagedResultInvalid'],
      /./,
    ],
    [
      'the same NAR, compressed otherwise than FileHash says',
      { stored: (_, nar) => zstdCompressSync(nar, { info: false }), info: { fileSize: 1 } },
      'StagedBytesDiffer',
      /its FileSize is \d+, and its narinfo says 1$/,
    ],
    [
      'another file of the same size',
      { file: (_, nar) => gzipSync(nar), stored: (_, nar) => zstdCompressSync(nar) },
      'StagedBytesDiffer',
      /its File(Size|Hash) is/,
    ],
    [
      'FileHash is wrong: one bit differs that says nothing',
      { stored: (bytes) => altered(bytes, 4, 0x10) },
      'StagedBytesDiffer',
      /its FileHash is sha256:[0-9a-z]{52}, and its narinfo says sha256:/,
    ],
    [
      'FileSize is wrong',
      { info: { fileSize: 7 } },
      'StagedBytesDiffer',
      /its FileSize is \d+, and its narinfo says 7$/,
    ],
    [
      'NarHash is wrong',
      { info: { narHash: `sha256:${'0'.repeat(52)}` } },
      'StagedBytesDiffer',
      /its NarHash is sha256:[0-9a-z]{52}, and its narinfo says sha256:0+$/,
    ],
    [
      'NarSize is more than there is',
      { info: { narSize: 100_000 } },
      'StagedBytesDiffer',
      /its NarSize is \d+, and its narinfo says 100000$/,
    ],
    [
      'NarSize is less than there is',
      { info: { narSize: 96 } },
      'StagedResultInvalid',
      /more than the 96 bytes/,
    ],
    [
      'it expands beyond its NarSize: 256 MiB out of 8 kB',
      {
        file: () => zstdCompressSync(Buffer.alloc(256 * 1024 * 1024)),
        info: { narSize: 1000 },
      },
      'StagedResultInvalid',
      /not a NAR|more than the 1000 bytes/,
    ],
  ]
  test.each(cases)('%s', async (...refusal) => {
    await expectRefused(newWorld, refusal)
  })
})

describe('a staged file is one zstd frame, and nothing behind it', () => {
  // All of these have the right FileHash, and a decompressor that stops at the end of the first frame finds the right NAR.
  const behind = (more: (bytes: Buffer) => Buffer): Refusal[1] => ({
    file: (bytes) => Buffer.concat([bytes, more(bytes)]),
  })
  const goesOn = /goes on behind the end of its zstd frame/
  const cases: Refusal[] = [
    ['text behind it', behind(() => Buffer.from('and more')), 'StagedResultInvalid', goesOn],
    ['a byte behind it', behind(() => Buffer.alloc(1)), 'StagedResultInvalid', goesOn],
    ['the same frame again', behind((bytes) => bytes), 'StagedResultInvalid', goesOn],
    ['a frame that says nothing', behind(() => SKIPPABLE_FRAME), 'StagedResultInvalid', goesOn],
    ['no zstd but gzip', { file: (_, nar) => gzipSync(nar) }, 'StagedResultInvalid', /it is no zstd file/],
    ['no zstd but xz', { file: () => XZ }, 'StagedResultInvalid', /it is no zstd file/],
    ['the NAR as it is', { file: (_, nar) => nar }, 'StagedResultInvalid', /it is no zstd file/],
  ]
  test.each(cases)('%s', async (...refusal) => {
    await expectRefused(newWorld, refusal)
  })

  test('trailing bytes that come in a later chunk', async () => {
    // some 3 MB that do not compress: S3 gives them in many pieces
    const noise = Array.from({ length: 100_000 }, (_, index) => nix32(Buffer.from(`${index}`))).join('')
    const output = { text: noise, ...behind(() => Buffer.from('and more')) }
    await expectRefused(newWorld, [
      '',
      output,
      'StagedResultInvalid',
      /Unknown frame descriptor|goes on behind/,
    ])
  })
})

describe('a NAR is well formed', () => {
  const itsNar = /^the staged NAR of \/nix\/store\/[0-9a-z]{32}-app: /
  const cases: Refusal[] = [
    [
      'some other file',
      { nar: () => Buffer.from('not a NAR, but long enough to be one') },
      'StagedResultInvalid',
      itsNar,
    ],
    ['a NAR that is cut short', { nar: (nar) => nar.subarray(0, -8) }, 'StagedResultInvalid', itsNar],
    [
      'bytes behind its end',
      { nar: (nar) => Buffer.concat([nar, Buffer.alloc(8)]) },
      'StagedResultInvalid',
      itsNar,
    ],
    ['two NARs', { nar: (nar) => Buffer.concat([nar, nar]) }, 'StagedResultInvalid', itsNar],
    ['padding that is not zero', { nar: (nar) => altered(nar, 8 + 13) }, 'StagedResultInvalid', itsNar],
    ['no object', { nar: () => file() }, 'StagedResultInvalid', itsNar],
    [
      'entries out of order',
      {
        nar: () =>
          file(
            '(',
            'type',
            'directory',
            'entry',
            '(',
            'name',
            'b',
            'node',
            ...regular('x'),
            ')',
            'entry',
            '(',
            'name',
            'a',
            'node',
            ...regular('x'),
            ')',
            ')',
          ),
      },
      'StagedResultInvalid',
      itsNar,
    ],
    [
      'an entry that climbs out of its directory',
      {
        nar: () =>
          file('(', 'type', 'directory', 'entry', '(', 'name', '..', 'node', ...regular('x'), ')', ')'),
      },
      'StagedResultInvalid',
      itsNar,
    ],
  ]
  test.each(cases)('%s', async (...refusal) => {
    await expectRefused(newWorld, refusal)
  })
})

describe("no NAR is larger than the deployment's limit", () => {
  test.each([
    ['exactly as large', 0, 'published'],
    ['a byte larger', -1, 'refused: NarOverLimit'],
  ])('%s: nothing of it is read', async (_, more, expected) => {
    const world = newWorld({ app: {} })
    const { info, fileHash } = await stagedOutput(out('app'), { text: TEXT })
    await world.built('app', { out: { text: TEXT } })
    world.maxNarSize = info.narSize + more
    expect(await world.outcomes(['app'])).toEqual({ app: expected })
    const reads = world.requests.filter(({ input }) => input.Key?.endsWith(`nar/${fileHash}.nar.zst`))
    expect(reads.length > 0).toBe(expected === 'published')
  })
})
