import { nameOf, type StorePath } from '../../nix/store-path.ts'
import type { Claim } from './claims.ts'
import type { Chapter } from './story.ts'

/** `demo.json`: what the demo saw, for programs. */
export interface DemoResult {
  version: 1
  holds: boolean
  seconds: number
  pushes: DemoPush[]
  claims: Claim[]
  /** SVG files: who built what when, a file for each push that had something built */
  charts: string[]
}

export interface DemoPush {
  title: string
  run: string
  verdict: string
  /** states of its history, in the order of their first appearance */
  states: string[]
  built: string[]
  published: string[]
  skipped: number
  bytesAdded: number
  laptop: {
    system: string
    shell: string
    entered: boolean
    downloaded: { ours: number; upstream: number }
    built: { environment: string[]; alwaysLocal: string[]; compiled: string[] }
  }[]
}

/** @param bridge URL under which the laptop sees our cache */
export function resultOf(
  chapters: Chapter[],
  { claims, charts, bridge, seconds }: { claims: Claim[]; charts: string[]; bridge: string; seconds: number },
): DemoResult {
  return {
    version: 1,
    // a claim that was never made does not hold
    holds: claims.length > 0 && claims.every(({ holds }) => holds),
    seconds,
    pushes: chapters.map((chapter) => pushOf(chapter, bridge)),
    claims,
    charts,
  }
}

function pushOf({ title, run: { run, states, summary }, entered }: Chapter, bridge: string): DemoPush {
  const published = summary.outcomes.filter(
    ({ outcome }) => outcome === 'published' || outcome === 'already-published',
  )
  return {
    title,
    run,
    verdict: summary.verdict,
    states,
    built: summary.outcomes.map(({ drvPath }) => drvPath),
    published: published.map(({ drvPath }) => drvPath),
    skipped: summary.derivations.skipped,
    bytesAdded: summary.bytesAdded,
    laptop: entered.map(({ system, shell, ok, downloaded, environment, alwaysLocal, compiled }) => {
      const ours = downloaded.filter(({ from }) => from.startsWith(bridge)).length
      return {
        system,
        shell,
        entered: ok,
        downloaded: { ours, upstream: downloaded.length - ours },
        built: { environment, alwaysLocal, compiled },
      }
    }),
  }
}

/** The result as a table for people. */
export function tableOf(result: DemoResult): string {
  const rows = result.pushes.flatMap((push, index) => [
    [
      `push ${index + 1}`,
      push.verdict,
      `${push.built.length} built`,
      `${push.published.length} published`,
      `${push.skipped} skipped`,
      '',
    ],
    ...push.laptop.map(({ system, shell, entered, downloaded, built }) => [
      '',
      entered ? 'entered' : 'FAILED',
      `${system} ${shell}`,
      `${downloaded.ours} from our cache`,
      `${downloaded.upstream} from upstream`,
      built.compiled.length > 0
        ? `COMPILED ${built.compiled.map((drv) => nameOf(drv as StorePath)).join(', ')}`
        : `0 compiled${built.alwaysLocal.length > 0 ? ` (${built.alwaysLocal.length} always local)` : ''}`,
    ]),
  ])
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
