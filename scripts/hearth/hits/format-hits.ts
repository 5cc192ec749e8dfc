import { styleText } from 'node:util'
import { hostOf } from '../../../functions/shared/host-of.ts'
import type { RepositoryHits } from './list-hits.ts'

/** How much of a shell's paths came from where: shares of all paths of which it is known. */
export interface Rates {
  cache: number
  /** by URL */
  upstreams: Record<string, number>
  built: number
  missing: number
}

/** Shares from 0 to 1; undefined when nothing is known of any path. */
export function ratesOf({ cache, upstreams, built, missing }: RepositoryHits): Rates | undefined {
  const all = cache + built + missing + Object.values(upstreams).reduce((sum, paths) => sum + paths, 0)
  if (all === 0) return undefined
  return {
    cache: cache / all,
    upstreams: Object.fromEntries(Object.entries(upstreams).map(([url, paths]) => [url, paths / all])),
    built: built / all,
    missing: missing / all,
  }
}

/**
 * One line for each repository, shell and system, with its hint below it.
 * @param isTerminal a table with aligned columns; otherwise fields with a tab between, and no colours
 */
export function formatHits(hits: RepositoryHits[], isTerminal: boolean): string {
  const upstreams = [...new Set(hits.flatMap((shell) => Object.keys(shell.upstreams)))].toSorted()
  const head = ['repository', 'system', 'shell', 'runs', 'our cache', ...upstreams.map(hostOf), 'built']
  const rows = [
    [...head, 'missing', 'derivations built', 'minutes of building'],
    ...hits.map((shell) => rowOf(shell, upstreams)),
  ]
  const lines = isTerminal ? aligned(rows) : rows.map((row) => row.join('\t'))
  return lines
    .flatMap((line, index) => {
      const hint = hits[index - 1]?.hint
      if (hint === undefined) return [line]
      return [line, isTerminal ? `  ${styleText('yellow', hint)}` : `hint\t${hint}`]
    })
    .join('\n')
}

function rowOf(shell: RepositoryHits, upstreams: string[]): string[] {
  const { repository, system, attribute, runs, derivations, buildSeconds } = shell
  const rates = ratesOf(shell)
  const shares = [
    rates?.cache,
    ...upstreams.map((url) => (rates === undefined ? undefined : (rates.upstreams[url] ?? 0))),
    rates?.built,
    rates?.missing,
  ]
  return [
    repository,
    system,
    attribute,
    String(runs),
    ...shares.map(percent),
    String(derivations),
    (buildSeconds / 60).toFixed(1),
  ]
}

/** What is not all looks like less than all, and what is not nothing like more. */
function percent(share: number | undefined): string {
  if (share === undefined) return '?'
  if (share > 0 && share < 0.001) return '<0.1 %'
  if (share < 1 && share > 0.999) return '>99.9 %'
  return `${(share * 100).toFixed(1)} %`
}

function aligned(rows: string[][]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  // repository, system and shell are words, the rest are numbers
  const cell = (text: string, column: number): string =>
    column < 3 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  return rows.map((row) => row.map(cell).join('  ').trimEnd())
}
