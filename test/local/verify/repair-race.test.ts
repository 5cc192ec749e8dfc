import { describe, expect, test } from 'vitest'
import type { RepairResult } from '../../../functions/shared/verification/repair-request.ts'
import { expectSound } from '../publish/visible.ts'
import { OTHER_BUILD } from '../publish/world.ts'
import { serverForThisFile } from '../s3/server-fixture.ts'
import { death, Killed, narinfoKey, noBusiness, once, Race, RECORD, type Watch } from './race.ts'

/** A repair and a publisher at the same derivation: each meets the other before and after each of its own requests. */

const running = serverForThisFile([])

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
  const start = (): Promise<Race> => Race.start(running, 'second', isHalf)
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
    const race = await Race.start(running, 'second', false)
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
    const race = await Race.start(running, 'second', false)
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
  const race = await Race.start(running, 'first', false)
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
