import { describe, expect, test } from 'vitest'
import { stagedKeys } from '../../functions/shared/keys.ts'
import { packParcel } from '../../functions/shared/parcel.ts'
import { baseNameOf, hashPartOf } from '../../nix/store-path.ts'
import { type Output, stagedOutput } from '../local/publish/staged-output.ts'
import { contentsOf, expectSound } from '../local/publish/visible.ts'
import { OTHER_BUILD, prefixOf, type World } from '../local/publish/world.ts'
import { BUILD, drv, HONEST, out, victimsOfThisFile } from './victim.ts'

/*
 * The attacker is a builder: it packs parcels that no honest builder packs, or exchanges them while they are being read. That whatever it stages is refused in
 * a parcel as it is by itself, the other files show.
 */
const newVictim = victimsOfThisFile()
const PREFIX = prefixOf(BUILD)
const EVIL: Output = { ...HONEST, text: `${HONEST.text}and a line of the attacker\n` }

/** What a builder stages of `app`, by name, and the bytes of glibc that it was built on. */
async function objectsOf(world: World, output: Output): Promise<{ name: string; bytes: Uint8Array }[]> {
  const { narinfo, file, fileHash } = await stagedOutput(out('app'), output)
  const glibc = (await world.get(world.cache, `${hashPartOf(out('glibc'))}.narinfo`))?.toString() ?? ''
  const narHash = /^NarHash: (.*)$/m.exec(glibc)?.[1]
  const inputs = { [out('glibc')]: narHash }
  const result = { version: 1, drvPath: drv('app'), status: 'built', seconds: 1, inputs, log: false }
  return [
    { name: `nar/${fileHash}.nar.zst`, bytes: file },
    { name: `${hashPartOf(out('app'))}.narinfo`, bytes: Buffer.from(narinfo) },
    { name: `results/${baseNameOf(drv('app'))}.json`, bytes: Buffer.from(JSON.stringify(result)) },
  ]
}
const putParcel = async (world: World, number: number, bytes: string | Uint8Array, build = BUILD) =>
  world.put(world.staging, stagedKeys.parcel(prefixOf(build), number), bytes)

const nothingOfApp = async (world: World) => expect(await expectSound(world)).toEqual([out('glibc')])

test('an honest parcel is published: without it the rest of this file shows nothing', async () => {
  const world = await newVictim()
  await putParcel(world, 0, packParcel(await objectsOf(world, HONEST)))
  expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
  expect(await expectSound(world)).toEqual([out('app'), out('glibc')].toSorted())
})

describe('a parcel that is none', () => {
  test.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['no index', 'x'.repeat(1000)],
    ['an index that promises more than there is', '{"version":1,"objects":[["x",1000000]]}\n'],
    ['an index of 2^53 bytes in all', '{"version":1,"objects":[["x",9007199254740991],["y",1]]}\n'],
    ['an index without end', '['.repeat(6 * 1024 ** 2)],
    ['33 MiB', Buffer.alloc(33 * 1024 ** 2)],
    [
      '__proto__ and toString',
      '{"version":1,"objects":[["__proto__",1],["toString",1]],"__proto__":{"x":1}}\nab',
    ],
  ])('%s: what is not found elsewhere is refused, the rest goes on', async (_, bytes) => {
    const world = await newVictim()
    await world.built('tools', { out: { text: 'honest' } })
    await putParcel(world, 0, bytes)
    const { tools, app } = await world.outcomes(['tools', 'app'])
    expect(tools).toBe('published')
    expect(app).toMatch(/^refused: StagedResultInvalid$|^lost: BuilderLost$/)
    expect(await expectSound(world)).toEqual([out('glibc'), out('tools')].toSorted())
  })

  test('behind a gap nothing is read', async () => {
    const world = await newVictim()
    await putParcel(world, 1, packParcel(await objectsOf(world, HONEST)))
    expect(await world.outcomes(['app'])).toEqual({ app: 'lost: BuilderLost' })
    await nothingOfApp(world)
  })
})

describe('names', () => {
  test('a NAR under the name of another', async () => {
    const world = await newVictim()
    const [nar, ...rest] = await objectsOf(world, HONEST)
    const { file } = await stagedOutput(out('app'), EVIL)
    await putParcel(world, 0, packParcel([{ name: nar?.name ?? '', bytes: file }, ...rest]))
    expect(await world.outcomes(['app'])).toMatchObject({ app: expect.stringMatching(/^refused: Staged/) })
    await nothingOfApp(world)
  })

  test('the same names twice: what came first is verified and published, in whole', async () => {
    const world = await newVictim()
    await putParcel(world, 0, packParcel(await objectsOf(world, HONEST)))
    await putParcel(world, 1, packParcel(await objectsOf(world, EVIL)))
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    const { fileHash } = await stagedOutput(out('app'), HONEST)
    expect(Object.keys(await contentsOf(world.cache))).toContain(`nar/${fileHash}.nar.zst`)
    await expectSound(world)
  })

  test('names that climb into another build’s prefix, and into the cache', async () => {
    const world = await newVictim()
    const climbing = (await objectsOf(world, EVIL)).flatMap(({ name, bytes }) => [
      { name: `../${prefixOf(OTHER_BUILD).split('/')[1]}/${name}`, bytes },
      { name: `/${name}`, bytes },
      { name: `${PREFIX}${name}`, bytes },
    ])
    await putParcel(world, 0, packParcel(climbing))
    expect(await world.outcomes(['app'], BUILD)).toEqual({ app: 'lost: BuilderLost' })
    expect(await world.outcomes(['app'], OTHER_BUILD)).toEqual({ app: 'lost: BuilderLost' })
    await nothingOfApp(world)
  })

  test('a parcel of another build', async () => {
    const world = await newVictim()
    await putParcel(world, 0, packParcel(await objectsOf(world, HONEST)), OTHER_BUILD)
    expect(await world.outcomes(['app'], BUILD)).toEqual({ app: 'lost: BuilderLost' })
    await nothingOfApp(world)
  })
})

describe('a parcel that changes while it is used', () => {
  /** Does something to the parcel before the first request of this kind. */
  const before = (world: World, command: string, act: () => Promise<void>): void => {
    let isDone = false
    world.before = async ({ command: sent }) => {
      if (isDone || sent !== command) return
      isDone = true
      await act()
    }
  }
  const exchange = async (world: World) => putParcel(world, 0, packParcel(await objectsOf(world, EVIL)))

  test.each([
    ['overwritten', exchange],
    ['deleted', async (world: World) => world.remove(world.staging, stagedKeys.parcel(PREFIX, 0))],
  ])('%s after it was read: the bytes that were verified are published, and no others', async (_, act) => {
    const world = await newVictim()
    await putParcel(world, 0, packParcel(await objectsOf(world, HONEST)))
    before(world, 'PutObject', () => act(world))
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    const { fileHash, file } = await stagedOutput(out('app'), HONEST)
    expect(await world.get(world.cache, `nar/${fileHash}.nar.zst`)).toEqual(file)
    expect(await expectSound(world)).toEqual([out('app'), out('glibc')].toSorted())
  })

  test('overwritten after its publisher claimed the build and died: nobody finishes with other bytes', async () => {
    const world = await newVictim()
    await putParcel(world, 0, packParcel(await objectsOf(world, HONEST)))
    let writes = 0
    world.after = async ({ command }) => {
      if (command === 'PutObject' && ++writes === 1) throw new Error('killed')
    }
    await expect(world.publish(['app'])).rejects.toThrow('killed')
    world.after = async () => undefined
    await exchange(world)
    // the same build again, and another run that has nothing to offer
    expect(await world.outcomes(['app'], BUILD)).not.toEqual({ app: 'published' })
    expect(await world.outcomes(['app'], OTHER_BUILD)).not.toEqual({ app: 'already-published' })
    const { fileHash } = await stagedOutput(out('app'), EVIL)
    expect(await world.get(world.cache, `nar/${fileHash}.nar.zst`)).toBeUndefined()
    await nothingOfApp(world)
  })
})
