import type { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { repair } from '../../../functions/publish/repair/repair.ts'
import { cacheKeys, stateKeys } from '../../../functions/shared/keys.ts'
import { findJson } from '../../../functions/shared/objects.ts'
import type { Published } from '../../../functions/shared/records.ts'
import type { RepairResult } from '../../../functions/shared/verification/repair-request.ts'
import { publicKeyOf } from '../../../nix/signature.ts'
import { hashPartOf } from '../../../nix/store-path.ts'
import { narHashOf, stagedOutput } from '../publish/staged-output.ts'
import { expectSound, visibleNarInfos } from '../publish/visible.ts'
import { BUILD, OTHER_BUILD, out, type Request, World } from '../publish/world.ts'
import { serverForThisFile } from '../s3/server-fixture.ts'

/** A repair and a publisher at the same derivation: each meets the other before and after each of its own requests. */

const running = serverForThisFile([])
const HOUR = 60 * 60 * 1000
const OUTPUTS = [out('app'), out('app', 'doc')]
const RECORD = stateKeys.published(hashPartOf(OUTPUTS.toSorted()[0] ?? out('app')))
const built = (what: string) => ({
  doc: { text: `${what} words` },
  out: { text: `${what} program, see ${out('app', 'doc')}`, references: [out('app', 'doc')] },
})
const noBusiness = async (): Promise<void> => undefined

class Killed extends Error {
  override name = 'Killed'
}

/** What a repair asks of S3 is seen before it is sent and when its effect is there. */
interface Watch {
  before: (request: Request) => Promise<void>
  after: (request: Request) => Promise<void>
}

class Race {
  readonly world = new World(
    { app: { outputs: ['out', 'doc'] } },
    running.s3,
    (name) => {
      running.server.createBucket(name)
    },
    running.server.client(),
  )
  /** at every moment, in both: outputs of one build alone are visible, and nobody writes what was withdrawn */
  readonly violations: string[] = []
  readonly #watch: Watch = { before: noBusiness, after: noBusiness }
  readonly #s3 = this.#watchedClient()

  /** The first build is published, or a half of it, and a NAR is lost; the second one is staged. An hour later everybody comes. */
  static async start(second: string, isHalf: boolean): Promise<Race> {
    const race = new Race()
    const { world } = race
    await world.built('app', built('first'))
    await world.built('app', built(second), { build: OTHER_BUILD })
    if (isHalf)
      world.before = async ({ command, input }) => {
        if (command === 'PutObject' && input.Key === narinfoKey('out')) throw new Killed()
      }
    await world.publish(['app'], BUILD).catch((error: unknown) => expect(error).toBeInstanceOf(Killed))
    world.before = noBusiness
    const { fileHash } = await stagedOutput(out('app', 'doc'), built('first').doc)
    await world.remove(world.cache, cacheKeys.nar(fileHash))
    world.later = HOUR
    world.after = (request) => race.#look(request)
    return race
  }

  async record(): Promise<Published | undefined> {
    return findJson<Published>(this.world.state, RECORD)
  }

  /** Publish of the second build: what becomes of it depends on the moment. */
  async publish(): Promise<string> {
    return (await this.world.outcomes(['app'], OTHER_BUILD))['app'] ?? ''
  }

  async repair(execution: string, watch: Partial<Watch> = {}): Promise<RepairResult[]> {
    Object.assign(this.#watch, { before: noBusiness, after: noBusiness }, watch)
    const { cache, state, key, later } = this.world
    const repairWorld = {
      cache: { ...cache, s3: this.#s3 },
      state: { ...state, s3: this.#s3 },
      upstreams: [],
      keys: [publicKeyOf(key)],
      now: () => Date.now() + later,
    }
    const keys = ['out', 'doc'].map(narinfoKey)
    // as the command names them: the record of a half-published build is named for an output that nobody sees
    const records = [RECORD.slice('published/'.length, -'.json'.length)]
    return repair(repairWorld, { keys, evidence: [], content: [], records }, execution)
  }

  /** Two hours later whoever is left repairs and publishes: then the second build stands, whole. */
  async expectGoodEnd(): Promise<void> {
    expect(this.violations).toEqual([])
    this.world.later += 2 * HOUR
    await this.repair('repair-of-the-evening')
    await this.publish()
    await expectSound(this.world)
    expect(await this.visibleBuilds()).toEqual(['second', 'second'])
    const record = await this.record()
    expect(record?.withdrawn).toBeUndefined()
    expect(this.violations).toEqual([])
  }

  /** Which build every visible output is of. */
  async visibleBuilds(): Promise<string[]> {
    const hashes = new Map<string, string>()
    for (const what of ['first', 'second'])
      for (const { text } of Object.values(built(what))) hashes.set(await narHashOf(text), what)
    return (await visibleNarInfos(this.world)).map(({ narHash }) => hashes.get(narHash) ?? 'neither')
  }

  async #look({ command, input }: Request): Promise<void> {
    const isNarInfo = input.Key?.endsWith('.narinfo') === true && input.Bucket === this.world.cache.name
    if (!isNarInfo || (command !== 'PutObject' && command !== 'DeleteObject')) return
    const builds = new Set(await this.visibleBuilds())
    if (builds.size > 1) this.violations.push(`after ${command}, outputs of two builds are visible`)
    const record = await this.record()
    if (command === 'PutObject' && (record === undefined || record.withdrawn !== undefined))
      this.violations.push('something is visible again that was withdrawn')
  }

  #watchedClient(): S3Client {
    const client = running.server.client()
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const command = (context.commandName ?? '').replace(/Command$/, '')
        const request: Request = { command, input: args.input as Request['input'] }
        await this.#watch.before(request)
        const answer = await next(args)
        await this.#look(request)
        await this.#watch.after(request)
        return answer
      },
      { step: 'initialize' },
    )
    return client
  }
}

function narinfoKey(output: string): string {
  return cacheKeys.narinfo(hashPartOf(out('app', output)))
}

/** Does something once: before the request with this number, or when that has had its effect. */
function once(number: number, when: 'before' | 'after', act: () => Promise<unknown>): Watch {
  let requests = 0
  let meant: Request | undefined
  return {
    before: async (request) => {
      if (++requests !== number) return
      meant = request
      if (when === 'before') await act()
    },
    after: async (request) => {
      if (request === meant && when === 'after') await act()
    },
  }
}

/** Dies at that moment: nothing is sent any more, and no answer is heard. */
function death(number: number, when: 'before' | 'after'): Watch {
  let isDead = false
  const { before, after } = once(number, when, async () => {
    isDead = true
  })
  const unless = (watch: Watch['before']) => async (request: Request) => {
    if (isDead) throw new Killed()
    await watch(request)
    if (isDead) throw new Killed()
  }
  return { before: unless(before), after: unless(after) }
}

/** @returns 1 when it died there: after a request that is answered with an error it does not */
async function diesAt(race: Race, number: number, when: 'before' | 'after'): Promise<number> {
  try {
    await race.repair('repair-1', death(number, when))
    return 0
  } catch (error) {
    expect(error).toBeInstanceOf(Killed)
    return 1
  }
}

/** How many requests something makes. */
async function countRequests(run: (watch: Watch) => Promise<unknown>): Promise<number> {
  let requests = 0
  await run({
    before: async () => {
      requests++
    },
    after: noBusiness,
  })
  return requests
}

const WHEN = ['before', 'after'] as const
const STATES: [string, boolean][] = [
  ['all of the first build is visible', false],
  ['a half of it is, because its publisher died', true],
]

describe.each(STATES)('%s', (_, isHalf) => {
  const start = (): Promise<Race> => Race.start('second', isHalf)
  const requestsOfRepair = async (): Promise<number> => {
    const race = await start()
    return countRequests((watch) => race.repair('repair-1', watch))
  }

  test.each(WHEN)('somebody publishes %s each request of a repair', async (when) => {
    const requests = await requestsOfRepair()
    expect(requests).toBeGreaterThan(7)
    const outcomes = new Set<string>()
    for (let number = 1; number <= requests; number++) {
      const race = await start()
      await race.repair(
        'repair-1',
        once(number, when, async () => outcomes.add(await race.publish())),
      )
      await race.expectGoodEnd()
    }
    // in between it waits, and in the end it may
    expect(outcomes).toContain('published')
    if (!isHalf) expect(outcomes).toContain('refused: RepairUnderWay')
  })

  test.each(WHEN)('a repair goes on %s each request of a publisher', async (when) => {
    const counted = await start()
    const requests = await countRequests(async ({ before }) => {
      counted.world.before = before
      await counted.publish()
    })
    expect(requests).toBeGreaterThan(isHalf ? 9 : 3)
    const outcomes = new Set<string>()
    for (let number = 1; number <= requests; number++) {
      const race = await start()
      const { world } = race
      const look = world.after
      const watch = once(number, when, async () => {
        for (const { outcome } of await race.repair('repair-1')) outcomes.add(outcome)
      })
      world.before = watch.before
      world.after = async (request) => {
        await look(request)
        await watch.after(request)
      }
      await race.publish()
      world.before = noBusiness
      world.after = look
      await race.expectGoodEnd()
    }
    expect(outcomes).toContain('quarantined')
    // while somebody is about to write narinfos, nothing of them is touched
    if (isHalf) expect(outcomes).toContain('left')
  })

  test.each(WHEN)('a repair dies %s each of its requests, and somebody publishes', async (when) => {
    const requests = await requestsOfRepair()
    let deaths = 0
    for (let number = 1; number <= requests; number++) {
      const race = await start()
      deaths += await diesAt(race, number, when)
      await race.publish()
      await race.expectGoodEnd()
    }
    expect(deaths).toBeGreaterThan(7)
  })

  test.each(WHEN)('a repair dies %s each of its requests, and comes again', async (when) => {
    const requests = await requestsOfRepair()
    let deaths = 0
    for (let number = 1; number <= requests; number++) {
      const race = await start()
      deaths += await diesAt(race, number, when)
      await race.repair('repair-1')
      expect(await race.visibleBuilds()).toEqual([])
      expect(await race.record()).toBeUndefined()
      await race.expectGoodEnd()
    }
    expect(deaths).toBeGreaterThan(7)
  })
})

describe('nothing is touched', () => {
  const outcomesOf = (results: RepairResult[]): unknown[] =>
    results.map(({ outcome, because }) => [outcome, because.replace(/\d{4}-\S+Z/, 'later')])

  test('while its publisher may be alive: 35 minutes', async () => {
    const race = await Race.start('second', false)
    race.world.later = 34 * 60_000
    const left = ['left', 'it is being published, or was a moment ago: repair again after later']
    expect(outcomesOf(await race.repair('repair-1'))).toEqual([
      left,
      ['left', `${narinfoKey('out')} refers to it, and stays`],
    ])
    race.world.later = 36 * 60_000
    expect((await race.repair('repair-1')).map(({ outcome }) => outcome)).toEqual([
      'quarantined',
      'quarantined',
    ])
  })

  test('while another repair may be at it: 20 minutes', async () => {
    const race = await Race.start('second', false)
    let isWithdrawn = false
    await expect(
      race.repair('repair-1', {
        after: async ({ command, input }) => {
          if (command === 'PutObject' && input.Key === RECORD) isWithdrawn = true
          if (isWithdrawn) throw new Killed()
        },
      }),
    ).rejects.toThrow(Killed)
    race.world.later += 19 * 60_000
    expect(outcomesOf(await race.repair('repair-2'))[0]).toEqual([
      'left',
      'another repair, repair-1, is at it: repair again after later',
    ])
    race.world.later += 2 * 60_000
    expect((await race.repair('repair-2')).map(({ outcome }) => outcome)).toEqual([
      'quarantined',
      'quarantined',
    ])
  })
})

test('the same bytes are published again when the repair has ended, and not before', async () => {
  const race = await Race.start('first', false)
  expect(await race.publish()).toBe('already-published')
  const outcomes: string[] = []
  await race.repair('repair-1', {
    before: noBusiness,
    after: async ({ command }) => {
      if (command === 'DeleteObject') outcomes.push(await race.publish())
    },
  })
  expect(outcomes).toEqual(['refused: RepairUnderWay', 'published'])
  expect((await race.record())?.build).toBe(OTHER_BUILD)
  await expectSound(race.world)
  expect(race.violations).toEqual([])
})
