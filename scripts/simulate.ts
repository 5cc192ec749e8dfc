import { writeFileSync } from 'node:fs'
import { describeError } from '../functions/shared/errors.ts'
import { drawGantt } from './chart/gantt.ts'
import { parseArguments, type SimulateArguments, USAGE, WrongArguments } from './simulate/arguments.ts'
import { duration, formatFigures, measureRun, type RunFigures } from './simulate/figures.ts'
import { ganttOfRun } from './simulate/gantt-of-run.ts'
import { readSchedule } from './simulate/read-schedule.ts'
import { generateSchedule } from './simulate/shapes.ts'

/** Simulates runs. Exit codes: 0 fine, 1 a run broke a promise or a file cannot be read, 2 the command was wrong. */
function main(): number {
  try {
    const options = parseArguments(process.argv.slice(2))
    if (options.help) {
      process.stdout.write(USAGE)
      return 0
    }
    const rows = simulateAll(options)
    process.stdout.write(options.json ? `${JSON.stringify(rows, null, 2)}\n` : formatFigures(rows))
    const broken = rows.filter(
      ({ duplicates, premature, forgotten }) => duplicates + premature + forgotten > 0,
    )
    for (const { graph, builders } of broken)
      process.stderr.write(
        `${graph} on ${builders} builders: something was built twice, too early or not at all\n`,
      )
    return broken.length > 0 ? 1 : 0
  } catch (error) {
    const { name, message } = describeError(error)
    process.stderr.write(`${name}: ${message}\n`)
    if (!(error instanceof WrongArguments)) return 1
    process.stderr.write('npm run simulate -- --help says what there is\n')
    return 2
  }
}

function simulateAll({ graphs, builders, world, gantt }: SimulateArguments): RunFigures[] {
  return graphs.flatMap((graph) => {
    const schedule =
      'file' in graph ? readSchedule(graph.file) : generateSchedule(graph.shape, graph.count, world.seed)
    return builders.map((count) => {
      const { figures, run } = measureRun(schedule, { ...world, builders: count })
      if (gantt !== undefined) {
        const subtitle = `${count} builders of ${world.slots} slots for each system; ${duration(figures.makespan)}, ${figures.ratio.toFixed(3)} of the reference`
        writeFileSync(gantt, drawGantt(ganttOfRun(schedule, run), { title: figures.graph, subtitle }))
      }
      return figures
    })
  })
}

process.exitCode = main()
