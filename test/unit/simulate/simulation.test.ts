import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditRun } from '../../../scripts/simulate/audit.ts'
import { measureRun } from '../../../scripts/simulate/figures.ts'
import { referenceOf } from '../../../scripts/simulate/reference.ts'
import { generateSchedule, SHAPES } from '../../../scripts/simulate/shapes.ts'
import { NeverEnds, simulate } from '../../../scripts/simulate/simulation.ts'
import { defaultWorld, laneSettingsIn, truthOf, type WorldSettings } from '../../../scripts/simulate/world.ts'
import { scheduleOf, schedules } from '../functions/take/schedules.ts'

const fair = { duplicates: 0, premature: 0, forgotten: 0 }
const exact: WorldSettings = { ...defaultWorld, noise: 0 }

describe.each(['whole', 'rolling'] as const)('a run that publishes %s', (publishing) => {
  const world = (settings: Partial<WorldSettings> = {}): WorldSettings => ({
    ...defaultWorld,
    publishing,
    ...settings,
  })

  test.each(SHAPES.map(({ name }) => name))('builds everything once: %s', (shape) => {
    const { figures } = measureRun(generateSchedule(shape, 300, 1), world({ builders: 3 }))
    expect(figures).toMatchObject({ ...fair, lost: 0 })
  })

  test('whatever fails, whichever machines die, and however wrong the expected seconds are', () => {
    const worlds = fc.record({
      builders: fc.integer({ min: 1, max: 4 }),
      slots: fc.integer({ min: 1, max: 3 }),
      deathsPerHour: fc.constantFrom(0, 0.4),
      failureRate: fc.constantFrom(0, 0.1),
      noise: fc.constantFrom(0, 0.4),
      idleSeconds: fc.constantFrom(0, 20, 90),
      startUpSeconds: fc.constantFrom(0, 60),
      seed: fc.nat(1000),
    })
    fc.assert(
      fc.property(schedules, worlds, (schedule, drawn) => {
        const { figures } = measureRun(schedule, world(drawn))
        expect(figures).toMatchObject(fair)
      }),
    )
  })

  test('machines that die lose what they build, and it is built again', () => {
    const { figures } = measureRun(
      generateSchedule('nixpkgs', 400, 1),
      world({ builders: 3, deathsPerHour: 5, noise: 0 }),
    )
    expect(figures.lost).toBeGreaterThan(0)
    expect(figures).toMatchObject(fair)
  })

  test('a machine may die while its lane publishes a part of what it holds', () => {
    const schedule = scheduleOf([
      { seconds: 0 },
      { seconds: 0.1, needs: [0], system: 'aarch64-darwin' },
      { seconds: 5000, needs: [1] },
    ])
    // of 1000 seeds this is one where the machine dies in these 4 s
    const { figures } = measureRun(
      schedule,
      world({ builders: 1, deathsPerHour: 0.4, idleSeconds: 20, seed: 975 }),
    )
    expect(figures).toMatchObject(fair)
  })

  test('machines that never live long enough are an error', () => {
    const schedule = scheduleOf([{ seconds: 100_000 }])
    const run = () => measureRun(schedule, world({ builders: 1, deathsPerHour: 20 }))
    expect(run).toThrow(NeverEnds)
    expect(run).toThrow('package-0.drv takes some 100000 s')
  })

  test('the same seed gives the same run, another one another', () => {
    const schedule = generateSchedule('nixpkgs', 200, 1)
    const run = (seed: number): number => measureRun(schedule, world({ builders: 3, seed })).figures.makespan
    expect(run(5)).toBe(run(5))
    expect(run(5)).not.toBe(run(6))
  })
})

test('one derivation takes a Take, a start-up, its build and a publication', () => {
  const schedule = scheduleOf([{ seconds: 100 }])
  const { figures, run } = measureRun(schedule, { ...exact, builders: 1 })
  expect(figures.makespan).toBe(1 + 60 + 100 + 4)
  // it was asked for at 1, and exits 90 s after its build
  expect(run.machines).toMatchObject([{ started: 1, ready: 61, exited: 61 + 100 + 90, died: false }])
  expect(figures.machineMinutes).toBe(250 / 60)
})

describe('the reference', () => {
  test.each([
    ['a chain', [{ seconds: 10 }, { seconds: 20, needs: [0] }], { builders: 3, slots: 2 }, 30, 30],
    [
      'four on two slots',
      Array.from({ length: 4 }, () => ({ seconds: 10 })),
      { builders: 2, slots: 1 },
      20,
      20,
    ],
    [
      'the long one first',
      [{ seconds: 10 }, { seconds: 10 }, { seconds: 20 }],
      { builders: 1, slots: 2 },
      20,
      20,
    ],
    [
      'slots of one system are none of another',
      [{ seconds: 10 }, { seconds: 10 }, { seconds: 5, system: 'aarch64-darwin' }],
      { builders: 1, slots: 1 },
      20,
      20,
    ],
  ])('%s', (_, sketches, settings, seconds, bound) => {
    const schedule = scheduleOf(sketches)
    const world = { ...exact, ...settings }
    const reference = referenceOf(schedule, truthOf(schedule, world), world)
    expect(reference).toEqual({ seconds: seconds + world.startUpSeconds, bound })
  })

  test('no run is shorter than the bound', () => {
    fc.assert(
      fc.property(schedules, fc.integer({ min: 1, max: 3 }), (schedule, builders) => {
        const { figures } = measureRun(schedule, { ...exact, builders })
        expect(figures.makespan).toBeGreaterThanOrEqual(figures.bound)
        expect(figures.reference).toBeGreaterThanOrEqual(figures.bound)
      }),
    )
  })
})

describe('the audit sees', () => {
  const schedule = scheduleOf([{ seconds: 100 }, { seconds: 50, needs: [0] }])
  const world = { ...exact, builders: 1 }
  const truth = truthOf(schedule, world)
  const good = simulate(schedule, truth, world, laneSettingsIn(world))
  const [first, second] = good.builds
  const later = first === undefined ? [] : [{ ...first, machine: 'another', begin: 500, end: 600 }]

  test.each([
    ['nothing wrong', good.builds, fair],
    ['what was built twice', [...good.builds, ...later], { duplicates: 1, forgotten: 1 }],
    ['what was not built', good.builds.slice(0, 1), { forgotten: 1 }],
    [
      'what was built before its needs',
      second === undefined ? [] : [...good.builds.slice(0, 1), { ...second, begin: 0, end: 50 }],
      { premature: 1 },
    ],
    [
      'what was begun twice, because its machine died',
      [
        ...good.builds.slice(1),
        ...good.builds
          .slice(0, 1)
          .map((build) => ({ ...build, result: 'lost' as const, end: build.begin + 1 })),
        ...good.builds.slice(0, 1).map((build) => ({ ...build, begin: build.begin + 1 })),
      ],
      { duplicates: 0, lost: 1, forgotten: 0 },
    ],
  ])('%s', (_, builds, expected) => {
    expect(auditRun(schedule, truth, { ...good, builds })).toMatchObject(expected)
  })
})
