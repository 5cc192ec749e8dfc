import { logger } from '../shared/lambda.ts'
import { type StoredConfig } from '../shared/config.ts'
import { checkRunOf } from './check-run/check-run.ts'
import { commitStatusOf } from './commit-status.ts'
import { logPage } from './console.ts'
import { type RunEventKind, runEventOf } from './event/run-event.ts'
import { sendEvent } from './event/send-event.ts'
import { tellCheckRun, tellStatus, type Telling } from './github/tell.ts'
import { voiceFor } from './github/with-client.ts'
import { newsOf } from './news.ts'
import type { RunReport } from './run-report.ts'
import type { Services } from './services.ts'

/** `began`: the run has work to do. `changed`: it is planned, or some shell stands otherwise. `ended`: it is over. */
export type Moment = 'began' | 'changed' | 'ended'

const EVENTS: Record<Moment, RunEventKind> = {
  began: 'Hearth Run Started',
  changed: 'Hearth Shells Changed',
  ended: 'Hearth Run Ended',
}

/**
 * Tells GitHub and the event bus how a run stands. One does not wait for the other, and what went wrong with either is said when both were tried.
 * @throws the first error of several; the others are in the log
 */
export async function tellEverybody(
  services: Services,
  { config }: StoredConfig,
  report: RunReport,
  moment: Moment,
): Promise<void> {
  const news = newsOf(report)
  const outcomes = await Promise.allSettled([
    isForGitHub(report, config) ? tellGitHub(services, config.github.api, report, moment, news) : undefined,
    sendEvent(services.events, services.state, EVENTS[moment], runEventOf(report), news),
  ])
  const errors = outcomes.flatMap((outcome): unknown[] =>
    outcome.status === 'rejected' ? [outcome.reason] : [],
  )
  for (const error of errors.slice(1)) logger.error('not told', error as Error)
  if (errors.length > 0) throw errors[0]
}

/**
 * Only a known commit of a repository that hearth.yml names. A scheduled run that finds what another one has left has nothing to say of a commit that has its status.
 */
export function isForGitHub(
  { target, verdict, trigger }: Pick<RunReport, 'target' | 'verdict' | 'trigger'>,
  { repositories }: Pick<StoredConfig['config'], 'repositories'>,
): boolean {
  if (!/^[0-9a-f]{40}$/.test(target.commit)) return false
  if (verdict === 'ignored' || (verdict === 'unchanged' && trigger === 'schedule')) return false
  return repositories.some(({ name }) => name === target.repository)
}

async function tellGitHub(
  { state, tokens, console }: Services,
  api: string,
  report: RunReport,
  moment: Moment,
  news: unknown,
): Promise<void> {
  const { run, target } = report
  const voice = await voiceFor(api, target.repository, tokens)
  if (voice === undefined) {
    if (moment !== 'changed') logger.info('GitHub is told nothing: Hearth has no credentials for it')
    return
  }
  const telling: Telling = { state, run, target, withClient: voice.withClient, isEnding: moment === 'ended' }
  if (moment !== 'began' && voice.isApp) {
    const { content, annotations } = checkRunOf(report, (name) => logPage(console, run, name))
    // GitHub adds the annotations of every call: they are sent with the last one.
    await tellCheckRun(telling, content, moment === 'ended' ? annotations : [], news)
  }
  // While a run goes on its status is pending, whatever its shells do.
  if (moment !== 'changed') await tellStatus(telling, commitStatusOf(report), news)
}
