import { logger } from '../shared/lambda.ts'
import { findRepository, type StoredConfig } from '../shared/config.ts'
import type { Target } from '../shared/contract.ts'
import { describeError, HearthError } from '../shared/errors.ts'
import { isPassing } from '../shared/passing-error.ts'
import { checkRunOf } from './check-run/check-run.ts'
import { commitStatusOf } from './commit-status.ts'
import { logPage } from './console.ts'
import { type RunEventKind, runEventOf } from './event/run-event.ts'
import { sendEvent } from './event/send-event.ts'
import { tellCheckRun, tellStatus, type Telling } from './github/tell.ts'
import { Turns } from './github/turns.ts'
import { voiceFor } from '../shared/github/voice.ts'
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
 * Tells GitHub and the event bus how a run stands. One does not wait for the other, and what went wrong with either is said when both were tried. A run that is ignored
 * is no event.
 * @throws one error of several; the others are in the log
 */
export async function tellEverybody(
  services: Services,
  { config }: StoredConfig,
  report: RunReport,
  moment: Moment,
): Promise<void> {
  const news = newsOf(report)
  const target = targetForGitHub(report, config)
  await tryAll([
    async () => {
      if (report.verdict !== 'ignored')
        await sendEvent(services.events, services.state, EVENTS[moment], runEventOf(report), news)
    },
    async () => {
      if (target !== undefined)
        await tellGitHub(services, config.github.api, { ...report, target }, moment, news)
    },
  ])
}

/**
 * Does one after the other, whatever becomes of those before.
 * @throws an error that trying again can help against, if there is one: the others are in the log
 */
async function tryAll(parts: (() => Promise<void>)[]): Promise<void> {
  const errors: unknown[] = []
  for (const part of parts)
    try {
      await part()
    } catch (error) {
      errors.push(error)
    }
  if (errors.length === 0) return
  const thrown = errors.find(canTryAgain) ?? errors[0]
  for (const error of errors) if (error !== thrown) logger.error('not told', { error: describeError(error) })
  throw thrown
}

/** Whether telling may succeed later without anybody changing anything. */
export function canTryAgain(error: unknown): boolean {
  return isPassing(error) || (error instanceof HearthError && error.retryable)
}

/**
 * Only a known commit of a repository that hearth.yml names, in its spelling. A scheduled run that finds what another one has left has nothing to say of a commit that has
 * its status, nor has one that is ignored, unless somebody asked for it with `Re-run`: GitHub waits for its answer.
 */
function targetForGitHub(
  { target, verdict, trigger }: Pick<RunReport, 'target' | 'verdict' | 'trigger'>,
  config: StoredConfig['config'],
): Target | undefined {
  const { commit } = target
  if (commit === undefined || !/^[0-9a-f]{40}$/.test(commit)) return undefined
  if (verdict === 'ignored' && trigger !== 'rerun') return undefined
  if (verdict === 'unchanged' && trigger === 'schedule') return undefined
  const repository = findRepository(config, target.repository)?.name
  return repository === undefined ? undefined : { ...target, repository, commit }
}

async function tellGitHub(
  { state, tokens, console }: Services,
  api: string,
  report: RunReport & { target: Target },
  moment: Moment,
  news: unknown,
): Promise<void> {
  const { run, target } = report
  const { github, hasToken, isApp } = await voiceFor(tokens, api, {
    kind: 'report',
    repository: target.repository,
  })
  if (!hasToken) {
    if (moment === 'ended') logger.info('GitHub is told nothing: Hearth has no credentials for it')
    return
  }
  const turns = new Turns(state, target.repository)
  const telling: Telling = { state, run, target, github, turns, isEnding: moment === 'ended' }
  // One may be refused and not the other, where an App lacks a permission. They share the repository's pace.
  await tryAll([
    async () => {
      if (moment === 'began' || !isApp) return
      const { content, annotations } = checkRunOf(report, (name) => logPage(console, run, name))
      // GitHub adds the annotations of every call: they are sent with the last one.
      await tellCheckRun(telling, content, moment === 'ended' ? annotations : [], news)
    },
    async () => {
      // While a run goes on its status is pending, whatever its shells do. One that is ignored says nothing of its commit.
      if (moment !== 'changed' && report.verdict !== 'ignored')
        await tellStatus(telling, commitStatusOf(report), news)
    },
  ])
}
