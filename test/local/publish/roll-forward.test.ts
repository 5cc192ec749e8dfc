import { describe, expect, test } from 'vitest'
import { cacheKeys, stagedKeys, stateKeys } from '../../../functions/shared/keys.ts'
import { derivationOf } from '../../../functions/shared/graph.ts'
import type { Published } from '../../../functions/shared/records.ts'
import { parseHash } from '../../../nix/hash.ts'
import { hashPartOf } from '../../../nix/store-path.ts'
import { narHashOf, stagedOutput } from './staged-output.ts'
import { expectSound, keysOf, visibleNarInfos } from './visible.ts'
import { BUILD, drv, OTHER_BUILD, out, prefixOf, type World } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()
const built = (what: string) => ({
  doc: { text: `${what} words` },
  out: { text: `${what} program, see ${out('app', 'doc')}`, references: [out('app', 'doc')] },
})
const MINUTE = 60_000
const RECORD = stateKeys.published(hashPartOf([out('app'), out('app', 'doc')].toSorted()[0] ?? out('app')))

class Killed extends Error {
  override name = 'Killed'
}
async function killedAt(world: World, isLast: (command: string, key: string) => boolean): Promise<void> {
  let isDead = false
  world.before = async ({ command, input }) => {
    isDead ||= isLast(command, input.Key ?? '')
    if (isDead) throw new Killed()
  }
  await expect(world.publish(['app'], BUILD)).rejects.toThrow(Killed)
  world.before = async () => undefined
}
const beforeFirstCopy = (command: string, _key: string): boolean => command === 'CopyObject'
function beforeSecondNarInfo(): typeof beforeFirstCopy {
  let written = 0
  return (command, key) => command === 'PutObject' && key.endsWith('.narinfo') && ++written === 2
}

/** The first build of `app` was claimed, and its publisher died; a second build of it is staged. */
async function firstDied(second = 'second', isVisible = false): Promise<World> {
  const world = newWorld({ app: { outputs: ['out', 'doc'], needs: ['libc'] }, libc: {} })
  await world.published(out('libc'), { text: 'the C library' })
  await world.built('app', built('first'))
  await world.built('app', built(second), { build: OTHER_BUILD })
  await killedAt(world, isVisible ? beforeSecondNarInfo() : beforeFirstCopy)
  return world
}
async function loseStaged(world: World): Promise<void> {
  for (const output of Object.values(built('first'))) {
    const { fileHash } = await stagedOutput(out('app'), output)
    await world.remove(world.staging, stagedKeys.nar(prefixOf(BUILD), fileHash))
  }
}
async function loseFromCache(world: World): Promise<void> {
  for (const key of await keysOf(world.cache))
    if (key.startsWith('nar/')) await world.remove(world.cache, key)
}
async function visibleBuild(world: World): Promise<string> {
  const hashes = new Map<string, string>()
  for (const what of ['first', 'second'])
    for (const { text } of Object.values(built(what))) hashes.set(await narHashOf(text), what)
  const infos = await visibleNarInfos(world)
  return infos.flatMap(({ narHash }) => hashes.get(narHash) ?? []).join(' ')
}
async function record(world: World): Promise<Published> {
  return JSON.parse((await world.get(world.state, RECORD))?.toString('utf8') ?? '') as Published
}
const second = async (world: World) => (await world.outcomes(['app'], OTHER_BUILD))['app']

describe('another run finishes what a dead publisher began', () => {
  test('from what he had verified: his builder’s NARs are not read again', async () => {
    const world = await firstDied()
    world.requests.length = 0
    expect(await second(world)).toBe('not-reproducible: NotReproducible')
    expect(await visibleBuild(world)).toBe('first first')
    await expectSound(world)
    const reads = world.requests
      .filter(({ command }) => command === 'GetObject')
      .map(({ input }) => input.Key)
    expect(reads.filter((key) => key?.includes('/nar/'))).toEqual([])
  })

  test('also when what was staged is gone, and the NARs are in the cache', async () => {
    const world = await firstDied('second', true)
    await loseStaged(world)
    expect(await second(world)).toBe('not-reproducible: NotReproducible')
    expect(await visibleBuild(world)).toBe('first first')
    await expectSound(world)
  })

  test('and says that it is at work when the record is old', async () => {
    const world = await firstDied()
    const { begun } = await record(world)
    world.later = 60 * MINUTE
    await second(world)
    expect(Date.parse((await record(world)).begun) - Date.parse(begun)).toBeGreaterThanOrEqual(60 * MINUTE)
    expect(await visibleBuild(world)).toBe('first first')
  })

  test('what became visible counts for the run that made it so, and for no other', async () => {
    const world = await firstDied('first')
    const { outputs } = await record(world)
    const bytes = Object.values(outputs).reduce((sum, { fileSize }) => sum + fileSize, 0)
    expect(await world.publish(['app'], OTHER_BUILD)).toMatchObject([{ outcome: 'already-published', bytes }])
    expect(await world.publish(['app'], OTHER_BUILD)).toMatchObject([
      { outcome: 'already-published', bytes: 0 },
    ])
  })
})

describe('what cannot be finished gives way', () => {
  test.each<[string, string, boolean, number, string, string]>([
    ['to the same bytes, at once', 'first', false, 0, 'published', 'first first'],
    [
      'to other bytes: not while its publisher may live',
      'second',
      false,
      19,
      'refused: PublicationUnfinished',
      '',
    ],
    ['to other bytes, when its publisher is dead', 'second', false, 21, 'published', 'second second'],
    ['to the same bytes, also when some of it is visible', 'first', true, 0, 'published', 'first first'],
    [
      'never to other bytes when some of it is visible: outputs of two builds stand beside each other nowhere',
      'second',
      true,
      600,
      'not-reproducible: NotReproducible',
      'first',
    ],
  ])('%s', async (_, what, isVisible, minutes, outcome, visible) => {
    const world = await firstDied(what, isVisible)
    await loseStaged(world)
    if (isVisible) await loseFromCache(world)
    world.later = minutes * MINUTE
    expect(await second(world)).toBe(outcome)
    expect(await visibleBuild(world)).toBe(visible)
    if (!isVisible) await expectSound(world)
  })

  test('when it was built on what has other bytes now, and its publisher is dead', async () => {
    const world = await firstDied()
    await world.remove(world.cache, cacheKeys.narinfo(hashPartOf(out('libc'))))
    await world.published(out('libc'), { text: 'another build of the C library' })
    await world.built('app', built('second'), { build: 'hearth-builder:3' })
    expect(await world.outcomes(['app'], 'hearth-builder:3')).toEqual({
      app: 'refused: PublicationUnfinished',
    })
    world.later = 21 * MINUTE
    expect(await world.outcomes(['app'], 'hearth-builder:3')).toEqual({ app: 'published' })
    expect(await visibleBuild(world)).toBe('second second')
    await expectSound(world)
  })

  test('a fixed output is what it is, whatever it was fetched with', async () => {
    const world = newWorld({ app: { needs: ['curl'] }, curl: {} })
    const text = 'fetched'
    derivationOf(world.graph, drv('app'), '').fixedOutput = {
      algorithm: 'sha256',
      method: 'recursive',
      hash: await hexOfNar(text),
    }
    await world.published(out('curl'), { text: 'curl' })
    await world.built('app', { out: { text } })
    await killedAt(world, beforeFirstCopy)
    await world.remove(world.cache, cacheKeys.narinfo(hashPartOf(out('curl'))))
    await world.published(out('curl'), { text: 'another curl' })
    await world.built('app', { out: { text } }, { build: OTHER_BUILD })
    expect(await world.outcomes(['app'], OTHER_BUILD)).toEqual({ app: 'already-published' })
  })

  test('a reference that retention took meanwhile is not shown missing', async () => {
    const world = newWorld({ app: { needs: ['libc'] }, libc: {} })
    await world.published(out('libc'), { text: 'the C library' })
    await world.built('app', { out: { text: `see ${out('libc')}`, references: [out('libc')] } })
    await killedAt(world, beforeFirstCopy)
    await world.remove(world.cache, cacheKeys.narinfo(hashPartOf(out('libc'))))
    expect(await world.outcomes(['app'])).toEqual({ app: 'refused: InputNotPublished' })
    expect(await expectSound(world)).toEqual([])
  })
})

async function hexOfNar(text: string): Promise<string> {
  return Buffer.from(parseHash(await narHashOf(text)).digest).toString('hex')
}
