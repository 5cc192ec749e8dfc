import type { Measured, Result } from './figure.ts'
import type { Series } from './statistics.ts'

/** The results as a table for people: a line for the ratio of each figure, then one for each side. */
export function formatTable(results: Record<string, Result>): string {
  const rows = [['figure', 'CPU in s (spread)', 'wall in s (spread)', 'ratio', 'target']]
  const notes: string[] = []
  for (const [name, result] of Object.entries(results)) {
    const verdict = `${result.target} ${result.met ? 'met' : 'MISSED'} (${result.measure})`
    rows.push([name, times(result.ratios.cpu), times(result.ratios.wall), `${result.ratio}`, verdict])
    rows.push(sideRow(result.ours), sideRow(result.theirs))
    const facts = { ...result.sizes, ...result.versions, ...result.details }
    notes.push(`${name}: ${result.compares}; ${result.repeats} pairs; ${list(facts)}`)
  }
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n\n${notes.join('\n')}\n`
}

function sideRow(side: Measured): string[] {
  return [`  ${side.label}`, spread(side.cpu), spread(side.wall)]
}

function spread({ median, min, max }: Series): string {
  return `${median} (${min} to ${max})`
}

function times(series: Series): string {
  return `x ${spread(series)}`
}

function list(values: Record<string, number | string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}
