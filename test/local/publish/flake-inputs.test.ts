import { beforeEach, describe, expect, test } from 'vitest'
import { openParcels } from '../../../functions/publish/parcels.ts'
import { publishSources } from '../../../functions/publish/publish-inputs.ts'
import { hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import { storePath } from '../../unit/functions/graphs.ts'
import { stagedOutput } from './staged-output.ts'
import { expectSound, keysOf, visibleNarInfos } from './visible.ts'
import { out, type World } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

/** Sources of a flake's inputs: nothing refers to them, so they are published for their own sake. What is staged here an evaluator has staged. */
const newWorld = worldsForThisFile()
const NIXPKGS = storePath('nixpkgs-source')
const TOOLS = storePath('tools-source')
const DATA = storePath('data.json')
const CONTENT = { text: 'import ./tools.nix' }

let world: World
beforeEach(() => {
  world = newWorld({ app: {} })
})

/** Publishes them; gives why some are not, by the name of the path. */
async function publish(...paths: StorePath[]): Promise<Record<string, string>> {
  const publication = await world.publication()
  const parcels = await openParcels(publication.staging, publication.prefix)
  return publishSources({ ...publication, parcels }, paths)
}

describe('the source of an input is published', () => {
  test.each([[false], [true]])(
    'signed, with its content address and no deriver; staged in parcels: %s',
    async (parcelled) => {
      world.parcelled = parcelled
      await world.source(TOOLS, CONTENT)
      expect(await publish(TOOLS)).toEqual({})
      expect(await expectSound(world)).toEqual([TOOLS])
      const [visible] = await visibleNarInfos(world)
      expect(visible?.ca).toBe(`fixed:r:${visible?.narHash}`)
      expect(visible).not.toHaveProperty('deriver')
    },
  )
  test('with what it refers to', async () => {
    await world.source(DATA, { text: 'data' })
    await world.source(TOOLS, { text: `see ${DATA}`, references: [DATA] })
    expect(await publish(TOOLS)).toEqual({})
    expect(await expectSound(world)).toEqual([DATA, TOOLS].toSorted())
  })
  test('once: of one that a cache has nothing need be staged', async () => {
    await world.source(TOOLS, { ...CONTENT, withoutNar: true, withoutNarInfo: true })
    await world.published(TOOLS, CONTENT)
    expect(await publish(TOOLS)).toEqual({})
    expect(world.requests.filter(({ command }) => command !== 'GetObject')).toEqual([])
  })
  test('whatever is wrong with another one', async () => {
    await world.source(TOOLS, CONTENT)
    await world.source(NIXPKGS, { text: '{ }', withoutNar: true })
    expect(Object.keys(await publish(NIXPKGS, TOOLS))).toEqual([NIXPKGS])
    expect(await expectSound(world)).toEqual([TOOLS])
  })
  test.each([['before'], ['after']] as const)(
    'by the next call, when the first was killed %s any of its requests; nothing is ever visible without all that belongs to it',
    async (when) => {
      for (let killed = 0; ; killed++) {
        world = newWorld({ app: {} })
        await world.source(DATA, { text: 'data' })
        await world.source(TOOLS, { text: `see ${DATA}`, references: [DATA] })
        let seen = 0
        world[when] = async () => {
          if (seen++ === killed) throw new Error('killed')
        }
        const survived = await publish(TOOLS).then(
          () => true,
          () => false,
        )
        await expectSound(world)
        world[when] = async () => undefined
        expect(await publish(TOOLS)).toEqual({})
        expect(await expectSound(world)).toEqual([DATA, TOOLS].toSorted())
        if (survived) return
      }
    },
  )
})

describe('nothing else is published as one', () => {
  const forged = { text: 'builtins.exec [ "evil" ]' }
  test.each<[string, () => Promise<void>, RegExp]>([
    ['other bytes than the archive has proved', () => world.stage(TOOLS, forged), /NarHash was proved to be/],
    [
      'other bytes, and a narinfo that says they are the right ones',
      async () => {
        const { info } = await stagedOutput(TOOLS, CONTENT)
        const { fileHash = '', fileSize = 0 } = (await stagedOutput(TOOLS, forged)).info
        const lie = { ...info, url: `nar/${fileHash.slice(7)}.nar.zst`, fileHash, fileSize }
        await world.stage(TOOLS, { ...forged, info: lie })
      },
      /tools-source/,
    ],
    [
      'a reference more',
      () => world.stage(TOOLS, { ...CONTENT, references: [DATA] }),
      /References was proved/,
    ],
    ['a narinfo without its NAR', () => world.stage(TOOLS, { ...CONTENT, withoutNar: true }), /tools-source/],
    ['nothing', async () => undefined, /is in no cache, and its evaluator did not stage it/],
  ])('staged is %s', async (_, stage, message) => {
    await world.source(TOOLS, { ...CONTENT, withoutNar: true, withoutNarInfo: true })
    await stage()
    expect((await publish(TOOLS))[TOOLS]).toMatch(message)
    expect(await keysOf(world.cache)).toEqual([])
  })
  test('a path that the archive has not proved, though it is staged', async () => {
    await world.stage(TOOLS, CONTENT)
    expect((await publish(TOOLS))[TOOLS]).toContain('neither in the cache nor in a declared upstream')
    expect(await keysOf(world.cache)).toEqual([])
  })
  test('an output of a derivation', async () => {
    await world.stage(out('app'), CONTENT)
    expect(Object.keys(await publish(out('app')))).toEqual([out('app')])
    expect(await keysOf(world.cache)).toEqual([])
  })
  test('bytes that were exchanged after they were verified', async () => {
    await world.source(TOOLS, CONTENT)
    world.before = async ({ command, input }) => {
      if (command !== 'CopyObject') return
      world.before = async () => undefined
      const [, ...key] = decodeURIComponent(input.CopySource ?? '').split('/')
      await world.put(world.staging, key.join('/'), 'evil')
    }
    expect((await publish(TOOLS))[TOOLS]).toContain('has changed since it was verified')
    expect((await keysOf(world.cache)).filter((key) => key === `${hashPartOf(TOOLS)}.narinfo`)).toEqual([])
  })
})
