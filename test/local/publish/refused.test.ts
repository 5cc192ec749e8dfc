import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { stagedKeys } from '../../../functions/shared/keys.ts'
import { hashPartOf } from '../../../nix/store-path.ts'
import { storePath } from '../../unit/functions/graphs.ts'
import { narBytes } from '../../unit/nix/nar-tree.ts'
import { nix32, type Output, stagedOutput } from './staged-output.ts'
import { expectSound, keysOf } from './visible.ts'
import { BUILD, drv, OTHER_BUILD, out, prefixOf } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()
const TEXT = 'a program, long enough that something can be missing from it: '.repeat(20)

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

type Refusal = [
  what: string,
  output: Omit<Output, 'text'> & { text?: string },
  error: string,
  message: RegExp,
]

/** One derivation, built on nothing, of which this was staged. */
async function publishStaged(output: Refusal[1]) {
  const world = newWorld({ app: {} })
  await world.built('app', { out: { text: TEXT, ...output } })
  return { world, outcomes: await world.publish(['app']) }
}

async function expectRefused(output: Refusal[1], error: string, message: RegExp): Promise<void> {
  const { world, outcomes } = await publishStaged(output)
  expect(outcomes).toEqual([
    {
      drvPath: drv('app'),
      outcome: 'refused',
      error: {
        name: error,
        message: expect.stringMatching(message) as string,
        retryable: expect.any(Boolean) as boolean,
      },
    },
  ])
  expect(await expectSound(world)).toEqual([])
  expect(await keysOf(world.cache)).toEqual([])
}

describe('the stored bytes are read, whatever the narinfo says', () => {
  const cases: Refusal[] = [
    ['the NAR is not there', { withoutNar: true }, 'StagedResultInvalid', /NAR .* was not staged/],
    [
      'the file is truncated',
      { stored: (bytes) => bytes.subarray(0, -5) },
      'StagedResultInvalid',
      /unexpected end of file/,
    ],
    [
      'the file is truncated, and its FileHash fits',
      { file: (bytes) => bytes.subarray(0, -5) },
      'StagedResultInvalid',
      /unexpected end of file/,
    ],
    ['the file is empty', { file: () => Buffer.alloc(0) }, 'StagedResultInvalid', /unexpected end of file/],
    [
      'a byte of the file is altered',
      { stored: (bytes) => altered(bytes, bytes.length - 20) },
      'StagedBytesDiffer|StagedResultInvalid',
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
  test.each(cases)('%s', async (_, output, error, message) => {
    const names = error.split('|')
    if (names.length === 1) await expectRefused(output, error, message)
    else {
      const { world, outcomes } = await publishStaged(output)
      expect(names).toContain(outcomes[0]?.error?.name)
      expect(await expectSound(world)).toEqual([])
    }
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
    [
      'no zstd but gzip',
      { file: (_, nar) => gzipSync(nar) },
      'StagedResultInvalid',
      /Unknown frame descriptor/,
    ],
    ['no zstd but xz', { file: () => XZ }, 'StagedResultInvalid', /Unknown frame descriptor/],
    ['the NAR as it is', { file: (_, nar) => nar }, 'StagedResultInvalid', /Unknown frame descriptor/],
  ]
  test.each(cases)('%s', async (_, output, error, message) => {
    await expectRefused(output, error, message)
  })

  test('trailing bytes that come in a later chunk', async () => {
    // some 3 MB that do not compress: S3 gives them in many pieces
    const noise = Array.from({ length: 100_000 }, (_, index) => nix32(Buffer.from(`${index}`))).join('')
    const output = { text: noise, ...behind(() => Buffer.from('and more')) }
    await expectRefused(output, 'StagedResultInvalid', /Unknown frame descriptor|goes on behind/)
  })
})

describe('a NAR is well formed', () => {
  const cases: Refusal[] = [
    ['some other file', { nar: () => Buffer.from('not a NAR, but long enough to be one') }, '', /./],
    ['a NAR that is cut short', { nar: (nar) => nar.subarray(0, -8) }, '', /./],
    ['bytes behind its end', { nar: (nar) => Buffer.concat([nar, Buffer.alloc(8)]) }, '', /./],
    ['two NARs', { nar: (nar) => Buffer.concat([nar, nar]) }, '', /./],
    ['padding that is not zero', { nar: (nar) => altered(nar, 8 + 13) }, '', /./],
    ['no object', { nar: () => file() }, '', /./],
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
      '',
      /./,
    ],
    [
      'an entry that climbs out of its directory',
      {
        nar: () =>
          file('(', 'type', 'directory', 'entry', '(', 'name', '..', 'node', ...regular('x'), ')', ')'),
      },
      '',
      /./,
    ],
  ]
  test.each(cases)('%s', async (_, output) => {
    await expectRefused(output, 'StagedResultInvalid', /^the staged NAR of \/nix\/store\/[0-9a-z]{32}-app: /)
  })
})

describe('a staged narinfo is about the path that was planned, and names its own file', () => {
  const other = storePath('other')
  const fileHash = '0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'
  const url = (value: string): Refusal[1] => ({ info: { url: value } })
  const hasTheUrl = /has the URL .*, which its FileHash does not give$/
  const cases: Refusal[] = [
    ['it is not there', { withoutNarInfo: true }, 'StagedResultInvalid', /no narinfo of it was staged/],
    ['it is about another path', { info: { storePath: other } }, 'StagedResultInvalid', /is about .*-other$/],
    [
      'it is about another name with the same hash',
      { narinfo: (text) => text.replace('-app\n', '-evil\n') },
      'StagedResultInvalid',
      /is about .*-evil$/,
    ],
    [
      'it has no FileHash',
      { narinfo: (text) => text.replace(/^FileHash: .*\n/m, '') },
      'StagedResultInvalid',
      /has no FileHash or FileSize/,
    ],
    [
      'it has no FileSize',
      { narinfo: (text) => text.replace(/^FileSize: .*\n/m, '') },
      'StagedResultInvalid',
      /has no FileHash or FileSize/,
    ],
    ['another compression', { info: { compression: 'xz' } }, 'StagedResultInvalid', /says Compression xz/],
    ['none', { info: { compression: 'none' } }, 'StagedResultInvalid', /says Compression none/],
    ['a URL of another file', url(`nar/${fileHash}.nar.zst`), 'StagedResultInvalid', hasTheUrl],
    ['a URL elsewhere', url('https://evil.example.org/x.nar.zst'), 'StagedResultInvalid', hasTheUrl],
    ['a URL that climbs', url(`../other/nar/${fileHash}.nar.zst`), 'StagedResultInvalid', hasTheUrl],
    [
      'a URL with a query',
      { narinfo: (text) => text.replace('.nar.zst', '.nar.zst?x=1') },
      'StagedResultInvalid',
      hasTheUrl,
    ],
    [
      'a FileHash of another kind',
      { info: { fileHash: `sha512:${'0'.repeat(103)}`, url: `nar/${'0'.repeat(103)}.nar.zst` } },
      'StagedResultInvalid',
      /NAR .* was not staged/,
    ],
    [
      'a content address, which clients take without a signature',
      { info: { ca: `fixed:r:sha256:${fileHash}` } },
      'StagedResultInvalid',
      /claims a content address/,
    ],
    [
      'another deriver',
      { info: { deriver: drv('other') } },
      'StagedResultInvalid',
      /names the deriver .*-other\.drv and not .*-app\.drv$/,
    ],
    [
      'something else than a narinfo',
      { narinfo: () => '<html>' },
      'StagedResultInvalid',
      /staged narinfo of .*: narinfo does not end in a newline/,
    ],
    [
      'a second StorePath',
      { narinfo: (text) => `${text}StorePath: ${other}\n` },
      'StagedResultInvalid',
      /a second StorePath/,
    ],
    [
      'a megabyte of it',
      { narinfo: (text) => text + `X: ${'x'.repeat(1024 * 1024)}\n` },
      'ObjectTooLarge',
      /at most 1048576/,
    ],
  ]
  test.each(cases)('%s', async (_, output, error, message) => {
    await expectRefused(output, error, message)
  })
})

describe('a result is about the derivation that was planned', () => {
  test.each([
    [
      'another derivation',
      { drvPath: drv('other'), status: 'built', seconds: 1, inputs: {} },
      /is about .*-other\.drv$/,
    ],
    ['an unknown status', { status: 'excellent' }, /status/],
    ['a time that runs backwards', { status: 'built', seconds: -1, inputs: {} }, /seconds/],
    ['no inputs', { status: 'built', seconds: 1 }, /inputs/],
    ['another version', { version: 2, status: 'built', seconds: 1, inputs: {} }, /version/],
  ])('%s', async (_, result, message) => {
    const world = newWorld({ app: {} })
    await world.built('app', { out: { text: TEXT } })
    await world.said('app', result)
    expect(await world.publish(['app'])).toMatchObject([
      {
        outcome: 'refused',
        error: { name: 'StagedResultInvalid', message: expect.stringMatching(message) as string },
      },
    ])
    expect(await keysOf(world.cache)).toEqual([])
  })

  test('text that is not JSON', async () => {
    const world = newWorld({ app: {} })
    await world.put(
      world.staging,
      stagedKeys.result(prefixOf(BUILD), drv('app').slice('/nix/store/'.length)),
      '{',
    )
    expect(await world.outcomes(['app'])).toEqual({ app: 'refused: StagedResultInvalid' })
  })
})

describe('what was not planned is not published', () => {
  test('a path of its own, staged beside the planned one', async () => {
    const world = newWorld({ app: {} })
    const evil = storePath('evil')
    await world.built('app', { out: { text: TEXT } })
    await world.stage(evil, { text: 'evil' })
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    expect(await expectSound(world)).toEqual([out('app')])
    expect(await keysOf(world.cache)).not.toContain(`${hashPartOf(evil)}.narinfo`)
  })

  test('another derivation of the graph, with its result', async () => {
    const world = newWorld({ app: {}, other: {} })
    await world.built('app', { out: { text: TEXT } })
    await world.built('other', { out: { text: TEXT } })
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    expect(await expectSound(world)).toEqual([out('app')])
  })
})

describe("another build's prefix is never read", () => {
  test('a derivation that only another build staged is lost', async () => {
    const world = newWorld({ app: {} })
    await world.built('app', { out: { text: TEXT } }, { build: OTHER_BUILD })
    expect(await world.outcomes(['app'], BUILD)).toEqual({ app: 'lost: BuilderLost' })
    expect(await keysOf(world.cache)).toEqual([])
  })

  test('also when all requests go well', async () => {
    const world = newWorld({ app: {} })
    for (const build of [BUILD, OTHER_BUILD]) await world.built('app', { out: { text: TEXT } }, { build })
    await world.publish(['app'], BUILD)
    const read = world.requests.flatMap(({ input }) =>
      input.Bucket === world.staging.name
        ? [input.Key]
        : input.CopySource === undefined
          ? []
          : [decodeURIComponent(input.CopySource).slice(world.staging.name.length + 1)],
    )
    expect(read.length).toBeGreaterThanOrEqual(4)
    expect(read.filter((key) => key?.startsWith(prefixOf(BUILD)) !== true)).toEqual([])
  })

  test('a NAR that only another build staged', async () => {
    const world = newWorld({ app: {} })
    await world.built('app', { out: { text: TEXT, withoutNar: true } })
    await world.built('app', { out: { text: TEXT } }, { build: OTHER_BUILD })
    expect(await world.outcomes(['app'], BUILD)).toEqual({ app: 'refused: StagedResultInvalid' })
  })
})

describe('exactly the bytes that were verified are copied', () => {
  test.each([
    ['changed', 'has changed since it was verified'],
    ['deleted', 'is gone since it was verified'],
  ])('a NAR that is %s between verification and copy', async (what, message) => {
    const world = newWorld({ app: {}, other: {} })
    await world.built('app', { out: { text: TEXT } })
    await world.built('other', { out: { text: 'another program' } })
    const { fileHash } = await stagedOutput(out('app'), { text: TEXT })
    const key = stagedKeys.nar(prefixOf(BUILD), fileHash)
    world.before = async ({ command, input }) => {
      if (command !== 'CopyObject' || input.Key !== `nar/${fileHash}.nar.zst`) return
      if (what === 'deleted') await world.remove(world.staging, key)
      else await world.put(world.staging, key, zstdCompressSync('evil'))
    }
    const told = await world.publish(['app', 'other'])
    expect(told).toMatchObject([
      {
        outcome: 'refused',
        error: { name: 'StagedResultInvalid', message: expect.stringContaining(message) as string },
      },
      { outcome: 'published' },
    ])
    expect(await expectSound(world)).toEqual([out('other')])
  })
})
