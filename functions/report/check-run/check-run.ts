import { outcomeOf, type RunReport } from '../run-report.ts'
import { type Annotation, annotationsOf } from './annotations.ts'
import { bounded } from './bounded.ts'
import { builtSection } from './built.ts'
import { costSection } from './cost-section.ts'
import { downloadsSection } from './downloads.ts'
import { failureBlocks, type LogLink } from './failures.ts'
import { code, shorten } from './markdown.ts'
import { shellTable } from './shell-table.ts'
import { titleOf, workOf } from './title.ts'

/** Source: GitHub REST API, "Create a check run", `conclusion`; those that are used here. */
export type Conclusion = 'success' | 'failure' | 'cancelled' | 'neutral' | 'timed_out'

/** What a check run says, in GitHub's words: the same for its creation and every change. */
export interface CheckRunContent {
  name: string
  /** the full ref: who asks for another run needs it */
  external_id: string
  details_url: string
  status: 'in_progress' | 'completed'
  conclusion?: Conclusion
  output: { title: string; summary: string; text?: string }
}

/** A check run of a partial run is another one than the commit's own. */
function checkNameOf({ isPartial }: Pick<RunReport, 'isPartial'>): string {
  return isPartial ? 'Hearth (attributes)' : 'Hearth'
}

/** The check run of a run as it stands, and what is to be shown at lines of the source. */
export function checkRunOf(
  report: RunReport,
  logLink: LogLink,
): { content: CheckRunContent; annotations: Annotation[] } {
  const { verdict, target, link, reason, run } = report
  const { annotations, left } = annotationsOf(report)
  const work = workOf(report)
  const more = `${code(`hearth run show ${run}`, 400)} has everything.`
  const summary = bounded(
    [
      ...(work === undefined ? [] : [`${work}.`]),
      ...(reason === undefined ? [] : [code(reason, 500)]),
      shellTable(report),
      builtSection(report),
      downloadsSection(report),
      costSection(report),
      ...(left > 0 ? [`${left} more errors have a place in the source and are not shown there.`] : []),
    ].filter((section) => section !== undefined),
    (count) => `${count} more sections are left out here: ${more}`,
  )
  const failures = failureBlocks(report, logLink)
  const text = bounded(failures, (count) => `${count} more failures are left out here: ${more}`)
  const conclusion = conclusionOf(report)
  return {
    annotations,
    content: {
      name: checkNameOf(report),
      external_id: target.ref,
      details_url: link,
      status: verdict === undefined ? 'in_progress' : 'completed',
      ...(conclusion === undefined ? {} : { conclusion }),
      output: {
        title: shorten(titleOf(report), 255),
        // GitHub wants one
        summary: summary === '' ? more : summary,
        ...(text === '' ? {} : { text }),
      },
    },
  }
}

/**
 * How a run that is over ends its check: one that a newer commit made pointless is `cancelled`, for it says nothing of this commit; so is one that somebody aborted.
 */
function conclusionOf(report: RunReport): Conclusion | undefined {
  const { verdict, error } = report
  if (verdict === undefined) return undefined
  if (verdict === 'superseded' || error?.name === 'ExecutionAborted') return 'cancelled'
  if (error?.name === 'ExecutionTimedOut') return 'timed_out'
  return outcomeOf(report)
}
