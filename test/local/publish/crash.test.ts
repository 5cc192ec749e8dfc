import { describe, expect, test } from 'vitest'
import { stagedKeys } from '../../../functions/shared/keys.ts'
import { generateSecretKey } from '../../../nix/signature.ts'
import { baseNameOf } from '../../../nix/store-path.ts'
import { storePath } from '../../unit/functions/graphs.ts'
import { narHashOf } from './staged-output.ts'
import { contentsOf, expectSound, recordsOf } from './visible.ts'
import { BUILD, drv, OTHER_BUILD, out, prefixOf, type Request, type World } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()
const SCRIPT = storePath('script.py')
const DATA = storePath('data.json')
const BATCH = ['fetch', 'lib', 'app']
const KEY = generateSecretKey('cache.example.org-1')

const LIB = {
  out: { text: 'the library' },
  dev: { text: `headers of ${out('lib')}`, references: [out('lib')] },
}
const FETCH = { out: { text: 'fetched' } }
/** Two builds of it differ in both outputs. */
const app = (build: string) => ({
  doc: { text: `${build} words` },
  out: {
    text: `${build}: ${out('app', 'doc')} ${out('lib')} ${SCRIPT}`,
    references: [out('app', 'doc'), out('lib'), SCRIPT],
  },
})

/** Three derivations, five outputs, two sources and two logs, staged by two builds that differ in one of the derivations. */
async function builtTwice(parcelled: boolean): Promise<World> {
  const world = newWorld({
    fetch: {},
    lib: { outputs: ['dev', 'out'] },
    app: { outputs: ['out', 'doc'], needs: ['fetch', 'lib', 'lib.dev'], sources: [SCRIPT] },
  })
  world.key = KEY
  const inputs = {
    [out('fetch')]: await narHashOf(FETCH.out.text),
    [out('lib')]: await narHashOf(LIB.out.text),
    [out('lib', 'dev')]: await narHashOf(LIB.dev.text),
  }
  for (const build of [BUILD, OTHER_BUILD]) {
    await world.source(DATA, { text: 'data' }, build)
    await world.source(SCRIPT, { text: `open("${DATA}")`, references: [DATA] }, build)
    await world.built('fetch', FETCH, { inputs: {}, build })
    await world.built('lib', LIB, { inputs: {}, build })
    await world.built('app', app(build), { inputs, build })
    for (const name of ['lib', 'app'])
      await world.put(
        world.staging,
        stagedKeys.log(prefixOf(build), baseNameOf(drv(name))),
        `log of ${build}`,
      )
    if (parcelled) await world.pack(build)
  }
  return world
}

class Killed extends Error {
  override name = 'Killed'
}

/** When the publisher dies: before its n-th request is sent, or when that has had its effect, and the answer is lost. */
interface Death {
  request: number
  when: 'before' | 'after'
}

const isWrite = ({ command }: Request): boolean => command !== 'GetObject' && command !== 'HeadObject'

/** Runs Publish until it dies, and looks at the cache as a client does after every write of a narinfo, and at the end. */
async function publishUntil(world: World, { request: last, when }: Death, build = BUILD): Promise<void> {
  let requests = 0
  world.before = async () => {
    requests++
    if (requests > last || (requests === last && when === 'before')) throw new Killed()
  }
  world.after = async (request) => {
    if (isWrite(request) && request.input.Key?.endsWith('.narinfo') === true) await expectSound(world)
    if (requests >= last) throw new Killed()
  }
  await expect(world.publish(BATCH, build)).rejects.toThrow(Killed)
  await expectSound(world)
  revive(world)
}

function revive(world: World): void {
  world.before = async () => undefined
  world.after = async (request) => {
    if (isWrite(request) && request.input.Key?.endsWith('.narinfo') === true) await expectSound(world)
  }
}

/** What is left behind when nobody dies: what clients see, and the records. */
interface Ending {
  cache: Record<string, string>
  records: Record<string, object>
}
async function endingOf(world: World): Promise<Ending> {
  return { cache: await contentsOf(world.cache), records: await recordsOf(world) }
}

describe.each([
  { way: 'staged by itself', parcelled: false, places: 60 },
  { way: 'in parcels', parcelled: true, places: 40 },
])('Publish can be killed at every await, and run again: everything $way', ({ parcelled, places }) => {
  const staged = async () => builtTwice(parcelled)

  const undisturbed = async (build: string): Promise<{ ending: Ending; requests: Request[] }> => {
    const world = await staged()
    expect(await world.outcomes(BATCH, build)).toEqual({
      fetch: 'published',
      lib: 'published',
      app: 'published',
    })
    const requests = [...world.requests]
    return { ending: await endingOf(world), requests }
  }

  /** Every request of an undisturbed run, and every write also just after its effect. */
  async function deaths(): Promise<Death[]> {
    const { requests } = await undisturbed(BUILD)
    return requests.flatMap((request, index): Death[] => [
      { request: index + 1, when: 'before' },
      ...(isWrite(request) ? [{ request: index + 1, when: 'after' as const }] : []),
    ])
  }

  test('there are many places to die', async () => {
    const all = await deaths()
    expect(all.length).toBeGreaterThan(places)
    expect(all.filter(({ when }) => when === 'after').length).toBeGreaterThanOrEqual(20)
  })

  test('and the end is that of an undisturbed run', async () => {
    const { ending } = await undisturbed(BUILD)
    for (const death of await deaths()) {
      const world = await staged()
      await publishUntil(world, death)
      const outcomes = await world.outcomes(BATCH)
      expect({ death, outcomes }).toEqual({
        death,
        outcomes: { fetch: 'published', lib: 'published', app: 'published' },
      })
      expect({ death, ...(await endingOf(world)) }).toEqual({ death, ...ending })
    }
  })

  test('by another run with another build: of each derivation one build stands whole, and nothing else is left', async () => {
    const first = await undisturbed(BUILD)
    const second = await undisturbed(OTHER_BUILD)
    const survivors = new Set<string>()
    for (const death of await deaths()) {
      const world = await staged()
      await publishUntil(world, death)
      const { app: outcome = '' } = await world.outcomes(BATCH, OTHER_BUILD)
      const survivor = outcome === 'published' ? 'second' : 'first'
      survivors.add(survivor)
      expect(outcome).toBe(survivor === 'first' ? 'not-reproducible: NotReproducible' : 'published')
      const expected = survivor === 'first' ? first.ending.cache : second.ending.cache
      expect({ death, cache: withoutLogs(await contentsOf(world.cache)) }).toEqual({
        death,
        cache: withoutLogs(expected),
      })
    }
    expect(survivors).toEqual(new Set(['first', 'second']))
  })

  test('twice in a row, each time somewhere else', async () => {
    const { ending, requests } = await undisturbed(BUILD)
    for (let first = 5; first < requests.length; first += 4) {
      const world = await staged()
      await publishUntil(world, { request: first, when: 'before' })
      await publishUntil(world, { request: 1 + ((first * 7) % 19), when: 'after' })
      await world.publish(BATCH)
      expect({ first, ...(await endingOf(world)) }).toEqual({ first, ...ending })
    }
  })

  test('by a run whose builder has nothing to offer', async () => {
    const { ending, requests } = await undisturbed(BUILD)
    const claimOfApp = requests.findLastIndex(
      ({ command, input }) => command === 'PutObject' && input.Key?.startsWith('published/') === true,
    )
    for (let request = claimOfApp + 2; request <= requests.length; request++) {
      const world = await staged()
      await publishUntil(world, { request, when: 'before' })
      const third = 'hearth-builder:3'
      await world.said('app', { status: 'failed', message: 'out of memory', logTail: [] }, third)
      expect(await world.outcomes(['app'], third)).toEqual({ app: 'already-published' })
      expect({ request, ...(await endingOf(world)) }).toEqual({ request, ...ending })
    }
  })
})

/** The logs are those of the build that stands; which build of `lib` that is may differ where its bytes do not. */
function withoutLogs(cache: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(cache).filter(([key]) => !key.startsWith('log/')))
}
