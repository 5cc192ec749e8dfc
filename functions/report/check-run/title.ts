import { builtDerivations, type RunReport, warmShells } from '../run-report.ts'
import { formatDuration } from './format-duration.ts'
import { formatBytes } from '../../shared/format-bytes.ts'
import { oneLine } from './markdown.ts'

/** A run in a few words: the title of its check run, and what chat tools show. */
export function titleOf(report: RunReport): string {
  const { verdict, shells, error, supersededBy } = report
  if (verdict === 'superseded') {
    const by = supersededBy === undefined ? 'a newer commit' : supersededBy.slice(0, 7)
    return `Superseded by ${by}: ${warmOf(report)} by then`
  }
  if (verdict === 'failed') {
    const why = error === undefined ? '' : `: ${oneLine(`${error.name}: ${error.message}`, 200)}`
    return `The run failed${why}`
  }
  if (verdict === 'ignored') return 'Nothing is warmed for this'
  if (shells.length === 0) return verdict === undefined ? 'Looking for what is missing' : 'Nothing to warm'
  return warmOf(report)
}

/** "12 of 14 shells are warm" */
function warmOf(report: RunReport): string {
  const warm = warmShells(report).length
  const { length } = report.shells
  return length === 1
    ? warm === 1
      ? 'The shell is warm'
      : 'The shell is not warm'
    : `${warm} of ${length} shells are warm`
}

/** "3 built in 4 min, 120 MB added", or nothing when nothing was built. */
export function workOf(report: RunReport): string | undefined {
  const built = builtDerivations(report)
  if (built.length === 0) return undefined
  const time = report.seconds === undefined ? '' : ` in ${formatDuration(report.seconds)}`
  return `${built.length} built${time}, ${formatBytes(report.bytesAdded)} added`
}
