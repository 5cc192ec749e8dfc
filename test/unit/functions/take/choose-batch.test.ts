import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Schedule } from '../../../../functions/shared/contract.ts'
import {
  chooseBatch,
  defaultLaneSettings,
  type LaneSettings,
  lanesWithWork,
  type Progress,
} from '../../../../functions/take/choose-batch.ts'
import { scheduleOf, schedules, type Sketch } from './schedules.ts'

const linux = { system: 'x86_64-linux', slot: 1 }
const untouched: Progress = { published: new Set(), taken: new Set(), out: new Set(), busyLanes: 0 }

function chosen(sketches: Sketch[], progress: Partial<Progress> = {}, settings: Partial<LaneSettings> = {}) {
  return chooseBatch(scheduleOf(sketches), { ...untouched, ...progress }, linux, {
    ...defaultLaneSettings,
    ...settings,
  })
}

describe.each(['whole', 'rolling'] as const)('a lane whose machines publish %s', (publishing) => {
  test.each<[string, Sketch[], Partial<Progress>, number[]]>([
    ['gets what needs nothing', [{ seconds: 60 }], {}, [0]],
    ['gets nothing when all is published', [{ seconds: 60 }], { published: new Set([0]) }, []],
    ['gets nothing that another lane has', [{ seconds: 60 }], { taken: new Set([0]) }, []],
    ['gets nothing that is out', [{ seconds: 60 }], { out: new Set([0]) }, []],
    [
      'gets nothing of what needs what another lane has',
      [{ seconds: 60 }, { seconds: 60, needs: [0] }],
      { taken: new Set([0]) },
      [],
    ],
    [
      'gets nothing of another system, and waits for it',
      [
        { seconds: 60, system: 'aarch64-darwin' },
        { seconds: 60, needs: [0] },
      ],
      {},
      [],
    ],
    [
      'gets what it needs of another system when that is published',
      [
        { seconds: 60, system: 'aarch64-darwin' },
        { seconds: 60, needs: [0] },
      ],
      { published: new Set([0]) },
      [1],
    ],
    [
      'leaves alone what must find its need in a cache',
      [{ seconds: 60 }, { seconds: 60, needs: [0], needsPublished: [0] }],
      {},
      [0],
    ],
    [
      'gets the longest path first, and short work beside it',
      [{ seconds: 2 }, { seconds: 3 }, { seconds: 4 }, { seconds: 5, needs: [0] }],
      {},
      [0, 2, 1, 3],
    ],
  ])('%s', (_, sketches, progress, expected) => {
    expect(chosen(sketches, progress, { publishing })).toEqual(expected)
  })

  test('has no more in a batch than fit into a job', () => {
    const sketches = Array.from({ length: 50 }, () => ({ seconds: 1 }))
    expect(chosen(sketches, {}, { publishing, mostDerivations: 20 })).toHaveLength(20)
  })

  test.each([1, 2, 5])('shares what is wide with %i lanes', (lanes) => {
    const sketches = Array.from({ length: 1000 }, () => ({ seconds: 60 }))
    const schedule = scheduleOf(sketches)
    const taken = new Set<number>()
    for (let busyLanes = 0; busyLanes < lanes; busyLanes++) {
      const batch = chooseBatch(schedule, { ...untouched, taken, busyLanes }, linux, {
        ...defaultLaneSettings,
        publishing,
        lanes,
      })
      expect(batch.length).toBeGreaterThan(0)
      expect(batch.length).toBeLessThanOrEqual(1000 / lanes + 1)
      for (const position of batch) taken.add(position)
    }
  })
})

describe('a batch that is published whole', () => {
  const publishing = 'whole'
  test('takes no longer than it may, unless a derivation alone does', () => {
    const sketches = Array.from({ length: 100 }, () => ({ seconds: 3000 }))
    expect(chosen(sketches, {}, { publishing, slots: 1 })).toHaveLength(2)
    expect(chosen([{ seconds: 20_000 }], {}, { publishing, slots: 1 })).toEqual([0])
  })

  test('ends with the trunk, so that all lanes find the leaves', () => {
    const leaves = Array.from({ length: 400 }, () => ({ seconds: 60, needs: [1] }))
    const trunk = [{ seconds: 110 }, { seconds: 110, needs: [0] }]
    expect(chosen([...trunk, ...leaves], {}, { publishing, lanes: 10 })).toEqual([0, 1])
  })
})

describe('a machine that is given more while it builds', () => {
  const sketches: Sketch[] = [{ seconds: 600 }, { seconds: 60, needs: [0] }, { seconds: 60 }, { seconds: 60 }]
  const settings = { publishing: 'rolling', slots: 2 } as const

  test('gets what its free slot can begin, and not what waits for a slot', () => {
    const hand = { built: new Set<number>(), running: new Map([[0, 500]]), queued: [] }
    expect(chosen(sketches, { taken: new Set([0]), hand }, settings)).toEqual([2])
  })

  test('gets nothing when no slot will be free', () => {
    const running = new Map([
      [0, 500],
      [2, 60],
    ])
    const hand = { built: new Set<number>(), running, queued: [] }
    expect(chosen(sketches, { taken: new Set([0, 2]), hand }, settings)).toEqual([])
  })

  test('gets what needs its own unpublished work', () => {
    const hand = { built: new Set([0]), running: new Map<number, number>(), queued: [] }
    expect(chosen(sketches.slice(0, 2), { taken: new Set([0]), hand }, settings)).toEqual([1])
  })

  test('counts what it has not begun', () => {
    const hand = { built: new Set<number>(), running: new Map([[0, 500]]), queued: [2] }
    expect(chosen(sketches, { taken: new Set([0, 2]), hand }, settings)).toEqual([])
  })
})

describe('lanes to wake', () => {
  const leaves = (count: number, seconds: number) =>
    scheduleOf(Array.from({ length: count }, () => ({ seconds })))
  test.each<[string, Schedule, Partial<Progress>, number]>([
    ['none when nothing is ready', leaves(1, 60), { taken: new Set([0]) }, 0],
    ['one for one derivation', leaves(1, 5000), {}, 1],
    ['one for work that is not worth a second start-up', leaves(20, 2), {}, 1],
    ['all for much work', leaves(1000, 60), {}, 10],
    ['one for what takes no time', leaves(3, 0), {}, 1],
    ['only those that have nothing', leaves(1000, 60), { busyLanes: 7 }, 3],
  ])('%s', (_, schedule, progress, expected) => {
    const settings = { ...defaultLaneSettings, lanes: 10 }
    expect(lanesWithWork(schedule, { ...untouched, ...progress }, linux.system, settings)).toBe(expected)
  })
})

test.each(['whole', 'rolling'] as const)(
  'published %s, whatever ends first: every derivation is in one batch, after its needs, and no lane that could work is left without',
  (publishing) => {
    fc.assert(
      fc.property(
        schedules,
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.nat()),
        (schedule, lanes, ends) => {
          const settings = { ...defaultLaneSettings, publishing, lanes, slots: 2 }
          const systems = [...new Set(schedule.derivations.map(({ system }) => system))]
          const published = new Set<number>()
          const taken = new Set<number>()
          const hands = new Map<string, number[]>()
          const counts = schedule.derivations.map(() => 0)
          while (published.size < schedule.derivations.length) {
            for (const system of systems)
              for (let slot = 1; slot <= lanes; slot++) {
                const lane = `${system} ${slot}`
                if (hands.has(lane)) continue
                const busyLanes = [...hands.keys()].filter((key) => key.startsWith(system)).length
                const progress = { ...untouched, published, taken, busyLanes }
                const batch = chooseBatch(schedule, progress, { system, slot }, settings)
                expect(batch.length > 0).toBe(lanesWithWork(schedule, progress, system, settings) > 0)
                checkOrder(schedule, batch, published, system)
                for (const position of batch) {
                  taken.add(position)
                  counts[position] = (counts[position] ?? 0) + 1
                }
                if (batch.length > 0) hands.set(lane, batch)
              }
            // somebody has something, or it would never end
            expect(hands.size).toBeGreaterThan(0)
            const lane = [...hands.keys()][ends.next().value % hands.size] ?? ''
            for (const position of hands.get(lane) ?? []) {
              taken.delete(position)
              published.add(position)
            }
            hands.delete(lane)
          }
          expect(counts).toEqual(counts.map(() => 1))
        },
      ),
    )
  },
)

function checkOrder(schedule: Schedule, batch: number[], published: Set<number>, system: string): void {
  const before = new Set(published)
  for (const position of batch) {
    const derivation = schedule.derivations[position]
    expect(derivation?.system).toBe(system)
    expect(derivation?.needs.filter((need) => !before.has(need))).toEqual([])
    expect(derivation?.needsPublished.filter((need) => !published.has(need))).toEqual([])
    before.add(position)
  }
}
