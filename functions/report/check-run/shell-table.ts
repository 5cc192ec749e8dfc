import type { RunReport, ShellReport, ShellState } from '../run-report.ts'
import { formatDuration } from './format-duration.ts'
import { code } from './markdown.ts'
import { table } from './table.ts'

// What needs somebody's eyes comes first.
const ORDER: ShellState[] = ['failed', 'cold', 'waiting', 'building', 'built', 'warm']
const MARK: Record<ShellState, string> = {
  failed: '❌ failed',
  cold: '⏹ not warm',
  waiting: '⏳ waiting for a Mac',
  building: '🔨 building',
  built: '✅ built',
  warm: '✅ warm',
}
// A few hundred rows are what somebody scrolls through.
const MOST_ROWS = 200

/** A row for each shell and system. */
export function shellTable({ shells }: Pick<RunReport, 'shells'>): string | undefined {
  const rows = shells
    .toSorted(
      (a, b) =>
        ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
        `${a.system} ${a.attribute}`.localeCompare(`${b.system} ${b.attribute}`),
    )
    .map((shell) => [code(shell.attribute, 120), shell.system, MARK[shell.state], detail(shell)])
  if (rows.length === 0) return undefined
  return table(['Shell', 'System', '', ''], rows, MOST_ROWS)
}

function detail({ state, built, seconds, missing, reason }: ShellReport): string {
  const parts = [
    ...(built > 0 ? [`${built} built, ${formatDuration(seconds)} of building`] : []),
    ...(missing > 0 ? [`${missing} to come`] : []),
    ...(state === 'failed' && reason !== undefined ? [code(reason, 160)] : []),
  ]
  return parts.join('; ')
}
