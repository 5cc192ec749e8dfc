import { parseArgs } from 'node:util'
import { cpus, release } from 'node:os'
import type { Result } from './figure.ts'
import { FIGURES } from './figures.ts'
import { measure } from './measure.ts'
import { formatTable } from './table.ts'

const USAGE = `npm run bench [-- NAME... [--json] [--repeats NUMBER]]

Measures Hearth against what it replaces, in pairs (ours, theirs, ours, theirs, ...), on this machine.
A ratio above 1 says how many times better Hearth is. Progress goes to standard error; for the JSON alone on standard
output, without npm's own lines: npm run --silent bench -- --json

${FIGURES.map((figure) => `  ${figure.name.padEnd(14)} ${figure.compares}`).join('\n')}
`

// Fewer than 5 pairs say nothing of the spread on a machine that does other things.
const LEAST_REPEATS = 5

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, repeats: { type: 'string' }, help: { type: 'boolean' } },
  })
  const unknown = positionals.filter((name) => !FIGURES.some((figure) => figure.name === name))
  const repeats = Number(values.repeats ?? LEAST_REPEATS)
  if (values.help === true || unknown.length > 0 || !Number.isInteger(repeats) || repeats < LEAST_REPEATS) {
    if (unknown.length > 0) process.stderr.write(`no such figure: ${unknown.join(', ')}\n\n`)
    else if (values.help !== true)
      process.stderr.write(`--repeats takes a number, ${LEAST_REPEATS} or more\n\n`)
    process.stderr.write(USAGE)
    process.exitCode = values.help === true ? 0 : 2
    return
  }
  progress(`${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown processor'}, kernel ${release()}`)
  const results: Record<string, Result> = {}
  for (const figure of FIGURES) {
    if (positionals.length > 0 && !positionals.includes(figure.name)) continue
    results[figure.name] = measure(figure, repeats, progress)
  }
  process.stdout.write(values.json === true ? `${JSON.stringify(results, null, 2)}\n` : formatTable(results))
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

main()
