import { oneLine } from './check-run/markdown.ts'
import { titleOf, workOf } from './check-run/title.ts'
import { outcomeOf, type RunReport } from './run-report.ts'

/** Source: GitHub REST API, "Create a commit status". */
export interface CommitStatusContent {
  state: 'pending' | 'success' | 'failure' | 'error'
  description: string
  context: string
  target_url: string
}

/** GitHub takes so many characters of a description. Source: the same page. */
const MOST_DESCRIPTION = 140

/**
 * A run as a commit status. `failure`: a shell is not warm, and it is the commit's own fault as far as one knows. `error`: the run broke, or a newer commit took its
 * place: a commit status knows neither `neutral` nor `cancelled`, and nothing of this commit is promised.
 */
export function commitStatusOf(report: RunReport): CommitStatusContent {
  const work = report.verdict === undefined ? undefined : workOf(report)
  const said = report.reason ?? titleOf(report)
  return {
    state: stateOf(report),
    description: oneLine(work === undefined ? said : `${said}: ${work}`, MOST_DESCRIPTION),
    context: report.isPartial ? 'hearth (attributes)' : 'hearth',
    target_url: report.link,
  }
}

// What Plan raises when the evaluator found that the source as a whole gives nothing.
const OF_THE_SOURCE = new Set(['FlakeDoesNotEvaluate', 'NothingToWarm'])

function stateOf(report: RunReport): CommitStatusContent['state'] {
  const { verdict, error } = report
  if (verdict === undefined) return 'pending'
  if (verdict === 'superseded') return 'error'
  if (verdict === 'failed') return error !== undefined && OF_THE_SOURCE.has(error.name) ? 'failure' : 'error'
  return outcomeOf(report) === 'success' ? 'success' : 'failure'
}
