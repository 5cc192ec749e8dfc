import type { StoredConfig } from '../shared/config.ts'
import type {
  EvaluationJob,
  RunDownloads,
  RunInput,
  RunSummary,
  Trigger,
  WavePlan,
} from '../shared/contract.ts'
import { describeError } from '../shared/errors.ts'
import { stateKeys } from '../shared/keys.ts'
import { logger } from '../shared/lambda.ts'
import { supersededBy } from '../shared/newest-run.ts'
import { findJson } from '../shared/objects.ts'
import { readPlans, type TriedBatch } from '../shared/run-files.ts'
import { executionPage } from './console.ts'
import { costOf, type RunCost } from './cost.ts'
import { machineTimes } from './machine-times.ts'
import { pricesOf } from './prices.ts'
import type { RunReport } from './run-report.ts'
import type { Services } from './services.ts'
import { finalOutcomes } from './summary.ts'
import { targetOf } from './target-of.ts'
import { type Meanwhile, shellReports } from './shell-reports.ts'

/** A run that has only begun. */
export function beginningOf({ console }: Services, job: EvaluationJob): RunReport {
  return {
    run: job.run,
    target: job.target,
    isPartial: job.isPartial === true,
    shells: [],
    outcomes: [],
    bytesAdded: 0,
    link: executionPage(console, job.run),
  }
}

/** A run whose lanes work. */
export function progressOf(
  services: Services,
  job: EvaluationJob,
  plan: WavePlan,
  batches: TriedBatch[],
  meanwhile: Meanwhile,
): RunReport {
  const outcomes = finalOutcomes(batches)
  return {
    ...beginningOf(services, job),
    shells: shellReports(plan.shells, batches, meanwhile),
    outcomes,
    bytesAdded: outcomes.reduce((sum, { bytes = 0 }) => sum + bytes, 0),
    ...secondsSince(job.started),
  }
}

/**
 * A run that is over.
 * @param job absent when the run ended before it was known what it was for: then what it was started with says so
 * @returns undefined when nobody knows which repository it was about
 */
export async function endOf(
  services: Services,
  { config }: StoredConfig,
  summary: RunSummary,
  input: Partial<RunInput>,
  job: EvaluationJob | undefined,
  plans: WavePlan[],
  batches: TriedBatch[],
): Promise<RunReport | undefined> {
  const target = job?.target ?? targetOf(input)
  if (target === undefined) return undefined
  const { run, verdict, reason, error, outcomes, bytesAdded } = summary
  const newer =
    verdict === 'superseded' && job !== undefined ? await supersededBy(services.state, job) : undefined
  const downloads = await findJson<RunDownloads>(services.state, stateKeys.downloads(run))
  const cost = await costIfKnown(services, config, job, summary)
  return {
    run,
    target,
    verdict,
    isPartial: job?.isPartial === true || Array.isArray(input.attributes),
    shells: shellReports((plans.at(-1) ?? (await planOfEarlierRun(services, job)))?.shells ?? [], batches),
    outcomes,
    bytesAdded,
    link: executionPage(services.console, run),
    ...(isTrigger(input.trigger) ? { trigger: input.trigger } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(error === undefined ? {} : { error }),
    ...(newer === undefined ? {} : { supersededBy: newer.commit }),
    ...(downloads === undefined ? {} : { downloads }),
    ...(cost === undefined ? {} : { cost }),
    ...secondsSince(job?.started),
  }
}

/** Where nothing was planned, because another run has warmed the commit, its plan says how the shells stand, for as long as it is kept. */
async function planOfEarlierRun(
  { state }: Services,
  job: EvaluationJob | undefined,
): Promise<WavePlan | undefined> {
  return job?.warmedBy === undefined ? undefined : (await readPlans(state, job.warmedBy)).at(-1)
}

/** Nobody has to do without the rest of a report because CodeBuild does not answer. */
async function costIfKnown(
  { state, codebuild }: Services,
  config: StoredConfig['config'],
  job: EvaluationJob | undefined,
  { run, bytesAdded }: RunSummary,
): Promise<RunCost | undefined> {
  if (job === undefined) return undefined
  try {
    const { times, unknown } = await machineTimes(state, codebuild, run, job.started, Date.now())
    return costOf(times, unknown, bytesAdded, pricesOf(config.prices))
  } catch (error) {
    logger.error('what the run cost is left out: CodeBuild did not say', { run, error: describeError(error) })
    return undefined
  }
}

// An execution may have been started with anything.
const TRIGGERS: readonly Trigger[] = ['push', 'delete', 'rerun', 'schedule', 'hand']

function isTrigger(trigger: unknown): trigger is Trigger {
  return TRIGGERS.some((known) => known === trigger)
}

function secondsSince(started: string | undefined): { seconds?: number } {
  return started === undefined ? {} : { seconds: (Date.now() - Date.parse(started)) / 1000 }
}
