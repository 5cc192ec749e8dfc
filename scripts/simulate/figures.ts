import type { Schedule } from '../../functions/shared/contract.ts'
import { type Audit, auditRun } from './audit.ts'
import { referenceOf } from './reference.ts'
import { simulate, type SimulatedRun } from './simulation.ts'
import { laneSettingsIn, truthOf, type WorldSettings } from './world.ts'

/** What is printed of one graph on so many builders. Times in seconds. */
export interface RunFigures extends Audit {
  graph: string
  derivations: number
  builders: number
  makespan: number
  /** list scheduling without start-up and hand-over, and one start-up */
  reference: number
  /** makespan / reference */
  ratio: number
  /** no schedule is shorter: the longest path, or the work on all slots */
  bound: number
  /** of all machines from startBuild until they exit, idle or not */
  machineMinutes: number
  batches: number
  turns: number
  startUps: number
}

export function measureRun(
  schedule: Schedule,
  world: WorldSettings,
): { figures: RunFigures; run: SimulatedRun } {
  const truth = truthOf(schedule, world)
  const run = simulate(schedule, truth, world, laneSettingsIn(world))
  const reference = referenceOf(schedule, truth, world)
  const billed = run.machines.reduce((sum, { started, exited }) => sum + exited - started, 0)
  const figures: RunFigures = {
    graph: schedule.run,
    derivations: schedule.derivations.length,
    builders: world.builders,
    makespan: run.makespan,
    reference: reference.seconds,
    ratio: run.makespan / reference.seconds,
    bound: reference.bound,
    machineMinutes: billed / 60,
    batches: run.batches.length,
    turns: run.turns,
    startUps: run.machines.length,
    ...auditRun(schedule, truth, run),
  }
  return { figures, run }
}

const COLUMNS: [title: string, value: (figures: RunFigures) => string][] = [
  ['graph', ({ graph }) => graph],
  ['derivations', ({ derivations }) => `${derivations}`],
  ['builders', ({ builders }) => `${builders}`],
  ['makespan', ({ makespan }) => duration(makespan)],
  ['reference', ({ reference }) => duration(reference)],
  ['ratio', ({ ratio }) => ratio.toFixed(3)],
  ['bound', ({ bound }) => duration(bound)],
  ['machine min', ({ machineMinutes }) => machineMinutes.toFixed(0)],
  ['batches', ({ batches }) => `${batches}`],
  ['turns', ({ turns }) => `${turns}`],
  ['start-ups', ({ startUps }) => `${startUps}`],
  ['duplicates', ({ duplicates }) => `${duplicates}`],
  ['lost', ({ lost }) => `${lost}`],
  ['premature', ({ premature }) => `${premature}`],
  ['forgotten', ({ forgotten }) => `${forgotten}`],
]

export function formatFigures(rows: RunFigures[]): string {
  const cells = [
    COLUMNS.map(([title]) => title),
    ...rows.map((row) => COLUMNS.map(([, value]) => value(row))),
  ]
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const lines = cells.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
  return `${lines.join('\n')}\n`
}

/** Hours, minutes and seconds, such as `1:02:03`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  const twoDigits = (value: number): string => `${value}`.padStart(2, '0')
  const short = `${twoDigits(minutes)}:${twoDigits(whole % 60)}`
  return hours > 0 ? `${hours}:${short}` : short
}
