import { oneLine } from '../check-run/markdown.ts'
import { titleOf, workOf } from '../check-run/title.ts'
import { outcomeOf, type RunReport, type ShellState, warmShells } from '../run-report.ts'

/** Hearth's events on the account's default bus, by their `detail-type`. */
export type RunEventKind = 'Hearth Run Started' | 'Hearth Shells Changed' | 'Hearth Run Ended'

/** The `detail` of every event: docs/run-event.schema.json, docs/events.md. */
export interface RunEventDetail {
  version: 1
  run: string
  trigger?: string
  target: { repository: string; ref: string; commit?: string }
  isPartial: boolean
  /** a sentence for people: no quotes, no line breaks, at most 500 characters */
  text: string
  /** the execution's page */
  link: string
  /** only of a run that has ended */
  verdict?: string
  outcome?: 'success' | 'failure' | 'neutral'
  reason?: string
  error?: { name: string; message: string }
  supersededBy?: string
  counts: Record<ShellState, number> & {
    shells: number
    /** derivations that this run built and published */
    derivationsBuilt: number
    derivationsFailed: number
    bytesAdded: number
  }
  /** not warm ones first */
  shells: {
    attribute: string
    system: string
    state: ShellState
    built: number
    missing: number
    reason?: string
  }[]
  /** how many more there are */
  shellsLeftOut: number
  cost?: { usd: number; minutes: number; storageUsdPerMonth: number; unpricedMinutes: number }
}

/** An entry of PutEvents has 256 KB at most. Source: EventBridge user guide, "Quotas". 16 KB are for everything but the detail, and for the escapes of JSON. */
const MOST_BYTES = 240_000
const MOST_SHELLS = 500

/** What everybody is told of a run. */
export function runEventOf(report: RunReport): RunEventDetail {
  const { run, trigger, target, verdict, reason, error, supersededBy, cost, outcomes } = report
  const count = (state: ShellState): number => report.shells.filter((shell) => shell.state === state).length
  const all = report.shells
    .toSorted((a, b) => Number(isWarm(a.state)) - Number(isWarm(b.state)))
    .map(({ attribute, system, state, built, missing, reason: why }) => ({
      attribute: oneLine(attribute, 200),
      system,
      state,
      built,
      missing,
      ...(why === undefined ? {} : { reason: oneLine(why, 300) }),
    }))
  const detail: RunEventDetail = {
    version: 1,
    run,
    ...(trigger === undefined ? {} : { trigger }),
    target,
    isPartial: report.isPartial,
    text: textOf(report),
    link: report.link,
    ...(verdict === undefined ? {} : { verdict, outcome: outcomeOf(report) }),
    ...(reason === undefined ? {} : { reason: oneLine(reason, 500) }),
    ...(error === undefined ? {} : { error: { name: error.name, message: oneLine(error.message, 1000) } }),
    ...(supersededBy === undefined ? {} : { supersededBy }),
    counts: {
      shells: report.shells.length,
      warm: count('warm'),
      built: count('built'),
      failed: count('failed'),
      waiting: count('waiting'),
      building: count('building'),
      cold: count('cold'),
      derivationsBuilt: outcomes.filter(({ outcome }) => outcome === 'published').length,
      derivationsFailed: outcomes.filter(({ outcome }) => outcome === 'failed' || outcome === 'refused')
        .length,
      bytesAdded: report.bytesAdded,
    },
    shells: all.slice(0, MOST_SHELLS),
    shellsLeftOut: Math.max(0, all.length - MOST_SHELLS),
    ...(cost === undefined
      ? {}
      : {
          cost: {
            usd: cost.usd,
            minutes: cost.minutes,
            storageUsdPerMonth: cost.storageUsdPerMonth,
            unpricedMinutes: cost.machines
              .filter(({ usd }) => usd === undefined)
              .reduce((sum, { minutes }) => sum + minutes, 0),
          },
        }),
  }
  return fitting(detail)
}

/** Leaves out shells until the event is small enough. */
function fitting(detail: RunEventDetail): RunEventDetail {
  let fit = detail
  while (Buffer.byteLength(JSON.stringify(fit)) > MOST_BYTES && fit.shells.length > 0) {
    const kept = Math.floor(fit.shells.length / 2)
    const shellsLeftOut = fit.shellsLeftOut + fit.shells.length - kept
    fit = { ...fit, shells: fit.shells.slice(0, kept), shellsLeftOut }
  }
  return fit
}

function isWarm(state: ShellState): boolean {
  return state === 'warm' || state === 'built'
}

/**
 * One sentence that fits into anything: EventBridge puts it into the text of a notification as it is, where a quote or a backslash would be taken for its own.
 */
function textOf(report: RunReport): string {
  const { target, verdict, shells } = report
  const work = verdict === undefined ? undefined : workOf(report)
  const short = target.ref.replace(/^refs\/(?:heads|tags)\//, '')
  const broken = shells
    .filter(({ state }) => state === 'failed')
    .map(({ attribute, system }) => `${attribute} for ${system}`)
  const waiting = shells.filter(({ state }) => state === 'waiting').length
  const parts = [
    `${target.repository} ${short}${target.commit === undefined ? '' : ` at ${target.commit.slice(0, 7)}`}: ${verdict === undefined ? progressOf(report) : titleOf(report)}`,
    ...(work === undefined ? [] : [work]),
    ...(broken.length === 0
      ? []
      : [
          `failed: ${broken.slice(0, 3).join(', ')}${broken.length > 3 ? ` and ${broken.length - 3} more` : ''}`,
        ]),
    ...(waiting === 0 ? [] : [`${waiting} waiting for a Mac`]),
  ]
  return oneLine(parts.join('; ').replaceAll(/["\\<>]/g, "'"), 500)
}

function progressOf(report: RunReport): string {
  return report.shells.length === 0
    ? 'a run has begun'
    : `${warmShells(report).length} of ${report.shells.length} shells are warm so far`
}
