import { describe, expect, test } from 'vitest'
import { stagedKeys } from '../../../functions/shared/keys.ts'
import { baseNameOf } from '../../../nix/store-path.ts'
import { storePath } from '../../unit/functions/graphs.ts'
import { expectRefused, type Refusal, TEXT } from './refusal.ts'
import { keysOf } from './visible.ts'
import { BUILD, drv, prefixOf } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()

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
  test.each(cases)('%s', async (...refusal) => {
    await expectRefused(newWorld, refusal)
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
    await world.put(world.staging, stagedKeys.result(prefixOf(BUILD), baseNameOf(drv('app'))), '{')
    expect(await world.outcomes(['app'])).toEqual({ app: 'refused: StagedResultInvalid' })
  })
})
