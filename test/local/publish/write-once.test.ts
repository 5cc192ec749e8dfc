import { describe, expect, test } from 'vitest'
import { stagedKeys, stateKeys } from '../../../functions/shared/keys.ts'
import { baseNameOf } from '../../../nix/store-path.ts'
import { narHashOf } from './staged-output.ts'
import { expectSound, keysOf, visibleNarInfos } from './visible.ts'
import { BUILD, drv, OTHER_BUILD, out, prefixOf, type World } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()
const twoOutputs = { app: { outputs: ['out', 'doc'] } }
const built = (what: string) => ({
  doc: { text: `${what} words` },
  out: { text: `${what} program, see ${out('app', 'doc')}`, references: [out('app', 'doc')] },
})

/** Which of the builds the visible outputs come from. */
async function buildsVisible(world: World, ...whats: string[]): Promise<string[]> {
  const hashes = new Map<string, string>()
  for (const what of whats)
    for (const { text } of Object.values(built(what))) hashes.set(await narHashOf(text), what)
  return (await visibleNarInfos(world)).map(({ narHash }) => hashes.get(narHash) ?? 'unknown')
}

describe('of two builds of one derivation the first stands whole', () => {
  test('another one with other bytes is discarded whole', async () => {
    const world = newWorld(twoOutputs)
    await world.built('app', built('first'))
    await world.built('app', built('second'), { build: OTHER_BUILD })
    expect(await world.outcomes(['app'], BUILD)).toEqual({ app: 'published' })
    const before = await keysOf(world.cache)
    expect(await world.outcomes(['app'], OTHER_BUILD)).toEqual({ app: 'not-reproducible: NotReproducible' })
    expect(await keysOf(world.cache)).toEqual(before)
    expect(await buildsVisible(world, 'first', 'second')).toEqual(['first', 'first'])
  })

  test('also when only one of its outputs differs', async () => {
    const world = newWorld(twoOutputs)
    await world.built('app', built('first'))
    const mixed = { ...built('first'), doc: { text: 'second words' } }
    await world.built('app', mixed, { build: OTHER_BUILD })
    await world.outcomes(['app'], BUILD)
    expect(await world.outcomes(['app'], OTHER_BUILD)).toEqual({ app: 'not-reproducible: NotReproducible' })
    expect(await expectSound(world)).toHaveLength(2)
  })

  test('another one with the same bytes changes nothing', async () => {
    const world = newWorld(twoOutputs)
    await world.built('app', built('same'))
    await world.built('app', built('same'), { build: OTHER_BUILD })
    await world.publish(['app'], BUILD)
    expect(await world.publish(['app'], OTHER_BUILD)).toEqual([
      { drvPath: drv('app'), outcome: 'already-published', seconds: 1.5, bytes: 0 },
    ])
    expect(await expectSound(world)).toHaveLength(2)
  })

  test('says which bytes stand', async () => {
    const world = newWorld({ app: {} })
    await world.built('app', { out: { text: 'first' } })
    await world.built('app', { out: { text: 'second' } }, { build: OTHER_BUILD })
    await world.publish(['app'], BUILD)
    const [told] = await world.publish(['app'], OTHER_BUILD)
    const [published, built] = [await narHashOf('first'), await narHashOf('second')]
    expect(told).toEqual({
      drvPath: drv('app'),
      outcome: 'not-reproducible',
      error: {
        name: 'NotReproducible',
        message: `${out('app')} is published with ${published}, and this build of it has ${built}: the published one stands`,
        retryable: true,
      },
      differences: [{ storePath: out('app'), published, built }],
    })
  })

  test.each([1, 2, 3, 4, 5])('of two at the same moment one wins whole (%i)', async () => {
    const world = newWorld(twoOutputs)
    await world.built('app', built('first'))
    await world.built('app', built('second'), { build: OTHER_BUILD })
    const told = await Promise.all([world.outcomes(['app'], BUILD), world.outcomes(['app'], OTHER_BUILD)])
    expect(told.map(({ app = '' }) => app).toSorted()).toEqual([
      'not-reproducible: NotReproducible',
      'published',
    ])
    expect(new Set(await buildsVisible(world, 'first', 'second')).size).toBe(1)
    expect(await expectSound(world)).toHaveLength(2)
  })

  test('of two equal ones at the same moment both succeed', async () => {
    const world = newWorld(twoOutputs)
    await world.built('app', built('same'))
    await world.built('app', built('same'), { build: OTHER_BUILD })
    const told = await Promise.all([world.outcomes(['app'], BUILD), world.outcomes(['app'], OTHER_BUILD)])
    expect(told.map(({ app = '' }) => app).toSorted()).toEqual(['already-published', 'published'])
    expect(await expectSound(world)).toHaveLength(2)
  })
})

describe('Publish can be killed anywhere and run again', () => {
  class Killed extends Error {
    override name = 'Killed'
  }

  /** From the n-th write on nothing of Publish is sent any more. */
  function killAt(world: World, write: number): void {
    let writes = 0
    world.before = async ({ command }) => {
      if (command !== 'GetObject') writes++
      if (writes >= write) throw new Killed()
    }
  }

  // the claim, two NARs, the log, two narinfos
  test.each([1, 2, 3, 4, 5, 6])('before its write number %i', async (write) => {
    const world = newWorld(twoOutputs)
    await world.built('app', built('the'))
    await world.put(world.staging, stagedKeys.log(prefixOf(BUILD), baseNameOf(drv('app'))), 'log')
    killAt(world, write)
    await expect(world.publish(['app'])).rejects.toThrow(Killed)
    await expectSound(world)

    world.before = async () => undefined
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    expect(await expectSound(world)).toEqual([out('app'), out('app', 'doc')].toSorted())
    expect(await keysOf(world.cache)).toContain(`log/${baseNameOf(drv('app'))}`)
  })

  test('and there is no seventh', async () => {
    const world = newWorld(twoOutputs)
    await world.built('app', built('the'))
    killAt(world, 7)
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
  })

  test('an identical build completes what a killed one began', async () => {
    const world = newWorld(twoOutputs)
    await world.built('app', built('same'))
    await world.built('app', built('same'), { build: OTHER_BUILD })
    killAt(world, 6)
    await expect(world.publish(['app'], BUILD)).rejects.toThrow(Killed)
    expect(await expectSound(world)).toHaveLength(1)
    world.before = async () => undefined
    expect(await world.outcomes(['app'], OTHER_BUILD)).toEqual({ app: 'already-published' })
    expect(await expectSound(world)).toHaveLength(2)
  })
})

describe('what was not built', () => {
  test.each([
    [
      { status: 'failed', message: 'builder failed with exit code 3', logTail: ['line 1', 'line 2'] },
      {
        outcome: 'failed',
        error: { name: 'BuildFailed', message: 'builder failed with exit code 3', retryable: false },
        logTail: ['line 1', 'line 2'],
      },
    ],
    [
      { status: 'dependency-failed', because: [drv('lib'), drv('libc')] },
      {
        outcome: 'dependency-failed',
        error: {
          name: 'DependencyFailed',
          message: `it needs ${drv('lib')}, ${drv('libc')}`,
          retryable: false,
        },
      },
    ],
    [
      { status: 'input-missing', missing: [out('lib')] },
      {
        outcome: 'input-missing',
        error: { name: 'InputMissing', message: `no cache gave its builder ${out('lib')}`, retryable: true },
      },
    ],
  ])('%j', async (result, expected) => {
    const world = newWorld({ app: {} })
    await world.said('app', result)
    expect(await world.publish(['app'])).toEqual([{ drvPath: drv('app'), ...expected }])
    expect(await keysOf(world.cache)).toEqual([])
    expect(await keysOf(world.state)).toEqual([])
  })

  test('the log of what failed stays with the run, and out of the cache', async () => {
    const world = newWorld({ app: {} })
    await world.said('app', { status: 'failed', message: 'exit code 3', logTail: [] })
    const base = baseNameOf(drv('app'))
    await world.put(world.staging, stagedKeys.log(prefixOf(BUILD), base), 'the log')
    await world.publish(['app'])
    expect(await keysOf(world.cache)).toEqual([])
    expect((await world.get(world.state, stateKeys.log('push-acme-shells-1', base)))?.toString()).toBe(
      'the log',
    )
  })

  test('nothing was said at all', async () => {
    const world = newWorld({ app: {}, other: {} })
    await world.built('other', { out: { text: 'other' } })
    expect(await world.publish(['app', 'other'])).toMatchObject([
      {
        drvPath: drv('app'),
        outcome: 'lost',
        error: { name: 'BuilderLost', message: 'its builder died', retryable: true },
      },
      { outcome: 'published' },
    ])
  })
})

test('a path whose hash part another path has in the cache is not said to be published', async () => {
  const world = newWorld({ app: {} })
  await world.built('app', { out: { text: 'the program' } })
  const namesake = `${out('app')}-namesake` as ReturnType<typeof out>
  await world.published(namesake, { text: 'another program' })
  expect(await world.outcomes(['app'])).toEqual({ app: 'refused: NarInfoNotWritten' })
  expect(await expectSound(world)).toEqual([namesake])
})
