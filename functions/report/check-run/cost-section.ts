import { formatBytes } from '../../shared/format-bytes.ts'
import { formatUsd, NOT_COUNTED } from '../cost.ts'
import type { RunReport } from '../run-report.ts'
import { code } from './markdown.ts'
import { table } from './table.ts'

/** What the run cost, by the price table, and what that leaves out. */
export function costSection({ cost }: Pick<RunReport, 'cost'>): string | undefined {
  if (cost === undefined) return undefined
  const rows = cost.machines.map(({ machine, builds, minutes, usd }) => [
    code(machine),
    String(builds),
    String(minutes),
    usd === undefined ? 'no price known' : formatUsd(usd),
  ])
  const unknown = cost.machines.some(({ usd }) => usd === undefined)
  return [
    '### Cost',
    `${formatUsd(cost.usd)} of build minutes${unknown ? ', without the machines that have no price' : ''}; ${formatBytes(cost.bytesAdded)} of storage, ${formatUsd(cost.storageUsdPerMonth)} a month.`,
    ...(rows.length === 0 ? [] : [table(['Machine', 'Builds', 'Minutes', 'Cost'], rows, 20)]),
    `Prices: ${cost.prices}. Not counted: ${NOT_COUNTED.join(', ')}${cost.unknownBuilds > 0 ? `, and ${cost.unknownBuilds} builds that CodeBuild says nothing of` : ''}.`,
  ].join('\n\n')
}
