import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureRun, type RunFigures } from '../scripts/simulate/figures.ts'
import { generateSchedule, SHAPES } from '../scripts/simulate/shapes.ts'
import { defaultWorld } from '../scripts/simulate/world.ts'
import { bundleSide } from './bundle.ts'
import type { Figure, Pair } from './figure.ts'
import { timeProcess } from './process-times.ts'

const COUNTS = [500, 2000]
const BUILDERS = [1, 2, 4, 20]
const LARGEST = 20_000

/**
 * List scheduling against ours, in simulated seconds: both sides of the pair are the worst of all graphs. A simulation says the same every time, so
 * it is played once, and the repeated runs only read its result.
 */
export const scheduleMakespan: Figure = {
  name: 'schedule.makespan',
  compares:
    'simulated seconds of a run by Take’s functions, against list scheduling without start-up and hand-over, and one start-up; the worst graph',
  measure: 'wall',
  // at most 1.15 times as long
  target: 0.87,
  prepare,
}

function prepare(progress: (text: string) => void): Pair {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-schedule-'))
  const rows = simulateAll(progress)
  rows.push(simulateOne('nixpkgs', LARGEST, 20))
  const worst = worstOf(rows)
  const [planSeconds = NaN, planMebibytes = NaN] = timeProcess([
    process.execPath,
    bundleSide('plan-schedule', folder),
    `${LARGEST}`,
  ])
    .printed.trim()
    .split(' ')
    .map(Number)
  const side = (name: string, label: string, seconds: number) => {
    const file = join(folder, name)
    writeFileSync(file, `${seconds}\n`)
    const command: [string, string] = ['cat', file]
    return { label: `${label}, simulated`, command, countedCpu: Number, countedWall: Number }
  }
  return {
    ours: side('ours', `Hearth: ${worst.graph} on ${worst.builders}`, worst.makespan),
    theirs: side('theirs', 'list scheduling', worst.reference),
    sizes: { runs: rows.length, derivations: rows.reduce((sum, { derivations }) => sum + derivations, 0) },
    versions: {},
    check() {
      const broken = rows.filter(
        ({ duplicates, premature, forgotten }) => duplicates + premature + forgotten > 0,
      )
      if (broken.length > 0)
        throw new Error(`built twice, too early or not at all: ${JSON.stringify(broken)}`)
    },
    details: () => ({
      duplicates: rows.reduce((sum, { duplicates }) => sum + duplicates, 0),
      planSeconds,
      planMebibytes: Math.round(planMebibytes),
      ...Object.fromEntries(
        rows.map((row) => [`${row.graph} on ${row.builders}`, rounded(row.reference / row.makespan)]),
      ),
    }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function simulateAll(progress: (text: string) => void): RunFigures[] {
  return SHAPES.flatMap(({ name }) => {
    progress(`simulating ${name}`)
    return COUNTS.flatMap((count) => BUILDERS.map((builders) => simulateOne(name, count, builders)))
  })
}

function simulateOne(shape: string, count: number, builders: number): RunFigures {
  return measureRun(generateSchedule(shape, count, defaultWorld.seed), {
    ...defaultWorld,
    builders,
  }).figures
}

function worstOf(rows: RunFigures[]): RunFigures {
  return rows.reduce((worst, row) => (row.ratio > worst.ratio ? row : worst))
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
