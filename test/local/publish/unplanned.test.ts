import { zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { stagedKeys } from '../../../functions/shared/keys.ts'
import { hashPartOf } from '../../../nix/store-path.ts'
import { storePath } from '../../unit/functions/graphs.ts'
import { TEXT } from './refusal.ts'
import { stagedOutput } from './staged-output.ts'
import { expectSound, keysOf } from './visible.ts'
import { BUILD, OTHER_BUILD, out, prefixOf } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()

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
