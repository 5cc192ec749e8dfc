import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, test } from 'vitest'
import { narBytes } from '../unit/nix/nar-tree.ts'
import { attacksOfABuilder, type Line, type Staged } from './victim.ts'
import { frame, raw, SKIPPABLE, zeros } from './zstd-frame.ts'

/*
 * The attacker is a builder: it was asked to build `app`, and stages any file it likes as the NAR of it, with a narinfo that fits.
 */
const repelled = attacksOfABuilder()

const INVALID = 'StagedResultInvalid'
const GIB = 1024 ** 3
// `printf x | xz | xxd -p` and the same of bzip2: node:zlib knows neither
const XZ =
  'fd377a585a000004e6d6b4460200210116000000742fe5a3010000780000000045aeef83f8ee160a00011901a52c81cc1fb6f37d010000000004595a'
const BZIP2 = '425a68393141592653597715616800000000800020002000219a68334d1733c5dc914e142401dc558580'
const hex = (text: string): Staged => ({ file: () => Buffer.from(text, 'hex') })
const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ 0xff, at)
  return copy
}
const START = narBytes('nix-archive-1', '(', 'type', 'regular', 'contents')

describe('bombs', () => {
  const lines: Line[] = [
    ['1 GiB of zeros out of 32 kB', { file: () => frame(zeros(GIB)), info: { narSize: 1000 } }, INVALID],
    [
      '1 GiB of zeros in a file of a NAR that is said to be small',
      {
        file: () => frame([...raw(Buffer.concat([START, size(GIB)])), ...zeros(GIB)]),
        info: { narSize: 1000 },
      },
      INVALID,
      /more than the 1000 bytes/,
    ],
    [
      'a NAR that is said to have 2^53 - 1 bytes and has 1 GiB',
      {
        file: () => frame([...raw(Buffer.concat([START, size(2 ** 52)])), ...zeros(GIB)]),
        info: { narSize: Number.MAX_SAFE_INTEGER },
      },
      'NarOverLimit',
    ],
    ['a window of 2 GiB, which a decompressor must keep', { file: (_, nar) => frame(raw(nar), 31) }, INVALID],
    ['a window of 2 TiB', { file: (_, nar) => frame(raw(nar), 41) }, INVALID],
    ['100,000 empty frames', { file: () => Buffer.concat(Array<Buffer>(100_000).fill(frame([]))) }, INVALID],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

describe('another compression than zstd', () => {
  const lines: Line[] = [
    ['gzip', { file: (_, nar) => gzipSync(nar) }, INVALID],
    ['deflate', { file: (_, nar) => deflateSync(nar) }, INVALID],
    ['brotli', { file: (_, nar) => brotliCompressSync(nar) }, INVALID],
    ['xz', hex(XZ), INVALID],
    ['bzip2', hex(BZIP2), INVALID],
    ['none', { file: (_, nar) => nar }, INVALID],
    ['zstd twice', { file: (compressed) => zstdCompressSync(compressed) }, INVALID],
    ['an empty file', { file: () => Buffer.alloc(0) }, INVALID],
    ['a frame without content', { file: () => frame([]) }, INVALID],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

describe('more or less than one frame', () => {
  const lines: Line[] = [
    ['truncated by a byte', { file: (bytes) => bytes.subarray(0, -1) }, INVALID],
    ['truncated to its header', { file: (bytes) => bytes.subarray(0, 6) }, INVALID],
    [
      'without its last block, which is empty',
      { file: (_, nar) => frame(raw(nar)).subarray(0, -3) },
      INVALID,
    ],
    [
      'a byte behind the frame',
      { file: (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]) },
      INVALID,
      /behind/,
    ],
    ['another NAR behind the frame', { file: (bytes) => Buffer.concat([bytes, bytes]) }, INVALID, /behind/],
    ['a frame to skip behind it', { file: (bytes) => Buffer.concat([bytes, SKIPPABLE]) }, INVALID, /behind/],
    ['a frame to skip before it', { file: (bytes) => Buffer.concat([SKIPPABLE, bytes]) }, INVALID],
    ['an empty frame before it', { file: (bytes) => Buffer.concat([frame([]), bytes]) }, INVALID],
    [
      'the NAR in two frames',
      {
        file: (_, nar) =>
          Buffer.concat([zstdCompressSync(nar.subarray(0, 96)), zstdCompressSync(nar.subarray(96))]),
      },
      INVALID,
    ],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

describe('other bytes than the narinfo describes', () => {
  const either = [INVALID, 'StagedBytesDiffer']
  const lines: Line[] = [
    ['a bit of the file flipped', { stored: (bytes) => flipped(bytes, bytes.length - 12) }, either],
    ['the file of another compressor', { stored: (_, nar) => frame(raw(nar)) }, either],
    ['another program of the same size', { stored: (_, nar) => frame(raw(flipped(nar, 100))) }, either],
    ['FileSize one less', { info: { fileSize: 1 } }, 'StagedBytesDiffer', /its FileSize is/],
    ['NarSize one more', { narinfo: (text) => more(text, 1) }, 'StagedBytesDiffer', /its NarSize is/],
    ['NarSize eight less', { narinfo: (text) => more(text, -8) }, INVALID, /more than the/],
    [
      'NarHash of nothing',
      { info: { narHash: 'sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73' } },
      'StagedBytesDiffer',
      /its NarHash is/,
    ],
    ['the NAR is not there', { withoutNar: true }, INVALID, /NAR .* was not staged/],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

function more(narinfo: string, bytes: number): string {
  return narinfo.replace(/^NarSize: (\d+)$/m, (_, digits: string) => `NarSize: ${Number(digits) + bytes}`)
}

function size(bytes: number): Buffer {
  const word = Buffer.alloc(8)
  word.writeBigUInt64LE(BigInt(bytes))
  return word
}
