import type { ShellDownloads } from '../../shared/contract.ts'
import { formatBytes } from '../../shared/format-bytes.ts'
import { hostOf } from '../../shared/host-of.ts'
import type { RunReport } from '../run-report.ts'
import { code } from './markdown.ts'
import { table } from './table.ts'

const MOST_ROWS = 100
const MOST_HINTS = 10

/** What a new laptop downloads for each shell, and from where; nothing when nobody has looked. */
export function downloadsSection({ downloads }: Pick<RunReport, 'downloads'>): string | undefined {
  if (downloads === undefined || downloads.shells.length === 0) return undefined
  const { shells } = downloads
  const rows = shells.map((shell) => [code(shell.attribute, 120), shell.system, sources(shell), total(shell)])
  const hints = [...new Set(shells.flatMap(({ hint }) => (hint === undefined ? [] : [hint])))]
  return [
    '### What a new laptop downloads',
    table(['Shell', 'System', 'From', 'Altogether'], rows, MOST_ROWS),
    ...hints.slice(0, MOST_HINTS).map((hint) => `💡 ${code(hint, 500)}`),
  ].join('\n\n')
}

function sources({ sources: all, unknown, missing, builtPaths }: ShellDownloads): string {
  const known = all
    .filter(({ paths }) => paths > 0)
    .map(({ source, paths, bytes }) => {
      const isOurs = source === 'cache'
      const own = isOurs && builtPaths > 0 ? `, ${builtPaths} of them built by this run` : ''
      return `${isOurs ? 'this cache' : code(hostOf(source))}: ${paths} paths, ${formatBytes(bytes)}${own}`
    })
  return [
    ...known,
    ...(unknown > 0 ? [`unknown: ${unknown} paths`] : []),
    ...(missing > 0 ? [`nowhere yet: ${missing} paths`] : []),
  ].join('; ')
}

function total({ sources: all }: ShellDownloads): string {
  return formatBytes(all.reduce((sum, { bytes }) => sum + bytes, 0))
}
