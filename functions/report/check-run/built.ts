import { baseNameOf } from '../../../nix/store-path.ts'
import { formatBytes } from '../../shared/format-bytes.ts'
import { builtDerivations, type RunReport } from '../run-report.ts'
import { formatDuration } from './format-duration.ts'
import { code } from './markdown.ts'
import { table } from './table.ts'

const MOST_ROWS = 20

/** What was built, and how long it took: longest first. */
export function builtSection(report: Pick<RunReport, 'outcomes'>): string | undefined {
  const built = builtDerivations(report)
  if (built.length === 0) return undefined
  const seconds = built.reduce((sum, derivation) => sum + (derivation.seconds ?? 0), 0)
  const rows = built.map(({ drvPath, system, seconds: time = 0, bytes }) => [
    // without its hash: 33 digits that nobody reads
    code(
      baseNameOf(drvPath)
        .slice(33)
        .replace(/\.drv$/, ''),
    ),
    system,
    formatDuration(time),
    bytes === undefined ? '' : formatBytes(bytes),
  ])
  return [
    '### Built',
    `${built.length} ${built.length === 1 ? 'derivation' : 'derivations'}, ${formatDuration(seconds)} of building altogether.`,
    table(['Derivation', 'System', 'Time', 'Added'], rows, MOST_ROWS),
  ].join('\n\n')
}
