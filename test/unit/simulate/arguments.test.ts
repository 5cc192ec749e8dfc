import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseArguments, WrongArguments } from '../../../scripts/simulate/arguments.ts'
import { NotASchedule, readSchedule } from '../../../scripts/simulate/read-schedule.ts'
import { generateSchedule } from '../../../scripts/simulate/shapes.ts'

describe('a command line', () => {
  test('names graphs, builders and the world', () => {
    const args = [
      'nixpkgs:500',
      'run.json',
      '--builders',
      '2,3',
      '--start-up',
      '30',
      '--publishing',
      'rolling',
    ]
    expect(parseArguments(args)).toMatchObject({
      graphs: [{ shape: 'nixpkgs', count: 500 }, { file: 'run.json' }],
      builders: [2, 3],
      world: { startUpSeconds: 30, publishing: 'rolling' },
    })
  })

  test.each([
    [['nixpkgs'], 'nixpkgs needs a number of derivations, such as nixpkgs:500'],
    [['nixpkgs:0'], 'nixpkgs takes a number from 1 to 200000, not "0"'],
    [['nixpkgs:2.5'], 'nixpkgs takes a whole number, not 2.5'],
    [['--builders', '2,x'], '--builders takes a number from 1 to 1000, not "x"'],
    [['--failures', '2'], '--failures takes a number from 0 to 1, not "2"'],
    [['--seed', ''], '--seed takes a number from 0 to 4294967295, not ""'],
    [['--slots', '1.5'], '--slots takes a whole number, not 1.5'],
    [['--publishing', 'never'], '--publishing is whole or rolling, not never'],
    [['--gantt', 'a.svg'], '--gantt draws one run: name one graph and one number of builders'],
    [['--nonsense'], "Unknown option '--nonsense'"],
  ])('%j is refused', (args, message) => {
    expect(() => parseArguments(args)).toThrow(WrongArguments)
    expect(() => parseArguments(args)).toThrow(message)
  })
})

describe('a file of `hearth graph export`', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-simulate-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const schedule = generateSchedule('nixpkgs', 20, 1)
  const write = (content: string): string => {
    const file = join(folder, 'graph.json')
    writeFileSync(file, content)
    return file
  }

  test('is the schedule that it was', () => {
    expect(readSchedule(write(JSON.stringify(schedule)))).toEqual(schedule)
  })

  test.each<[string, string, string]>([
    ['no JSON', '{', 'cannot be read'],
    ['something else', '{"version":1}', 'is no exported graph'],
    [
      'a derivation that needs a later one',
      JSON.stringify({
        ...schedule,
        derivations: schedule.derivations.map((one) => ({ ...one, needs: [7] })),
      }),
      'derivation 0 needs 7, which does not stand before it',
    ],
    [
      'a time that is none',
      JSON.stringify({
        ...schedule,
        derivations: schedule.derivations.map((one) => ({ ...one, seconds: -1 })),
      }),
      'is no exported graph',
    ],
  ])('is refused when it has %s', (_, content, message) => {
    const file = write(content)
    expect(() => readSchedule(file)).toThrow(NotASchedule)
    expect(() => readSchedule(file)).toThrow(message)
  })

  test('is refused when it is not there', () => {
    expect(() => readSchedule(join(folder, 'nowhere.json'))).toThrow(NotASchedule)
  })
})
