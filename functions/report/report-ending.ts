import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { currentConfig } from '../shared/config.ts'
import type { EvaluationJob, RunId, RunInput, RunSummary } from '../shared/contract.ts'
import { describeError, HearthError } from '../shared/errors.ts'
import { stateKeys } from '../shared/keys.ts'
import { logger } from '../shared/lambda.ts'
import { findJson, writeJson } from '../shared/objects.ts'
import { readBatches, readPlans } from '../shared/run-files.ts'
import { endOf } from './report-of.ts'
import { type EndingRequest, readRequest } from './request.ts'
import type { Services } from './services.ts'
import { summarise } from './summary.ts'
import { canTryAgain, tellEverybody } from './tell-everybody.ts'

const metrics = new Metrics()

/**
 * Writes down how a run ended, and tells it. What was not told can be tried again when its error says so; otherwise it is in the log and in the metric `RunsNotTold`,
 * and the run's verdict stands all the same.
 */
export async function reportEnding(services: Services, request: EndingRequest): Promise<object> {
  const { state } = services
  const { run, input, ending, isFirstHand, untold } = readRequest(request)
  const said = await findJson<RunSummary>(state, stateKeys.summary(run))
  // The Fail state follows Report: EventBridge then only repeats what is recorded.
  if (!isFirstHand && said !== undefined) return { verdict: said.verdict }
  const known = partialInput(input)
  const [job, plans, batches] = await Promise.all([
    findJson<EvaluationJob>(state, stateKeys.job(run)),
    readPlans(state, run),
    readBatches(state, run),
  ])
  const summary = summarise(run, known, job?.target, ending, plans, batches)
  await writeJson(state, stateKeys.summary(run), summary)
  logger.info('reported', {
    run,
    verdict: summary.verdict,
    ...summary.derivations,
    error: summary.error?.name,
  })
  if (untold !== undefined) giveUp(run, new NotTold(`it was tried again and again: ${untold}`))
  else {
    try {
      const config = await currentConfig(state)
      const report = await endOf(services, config, summary, known, job, plans, batches)
      if (report !== undefined) await tellEverybody(services, config, report, 'ended')
    } catch (error) {
      if (canTryAgain(error)) throw error
      giveUp(run, error)
    }
  }
  return { verdict: summary.verdict, ...(summary.error === undefined ? {} : { error: summary.error }) }
}

/** Nobody was told how a run ended. */
class NotTold extends HearthError {
  override name = 'NotTold'
}

/** Loud, because a commit may look for ever as if its run went on. */
function giveUp(run: RunId, error: unknown): void {
  logger.error('not everybody was told how the run ended', { run, error: describeError(error) })
  metrics.addMetric('RunsNotTold', MetricUnit.Count, 1)
  metrics.publishStoredMetrics()
}

/** An execution may have been started with anything at all: only what has the right type is repeated. */
function partialInput(input: unknown): Partial<RunInput> {
  if (typeof input !== 'object' || input === null) return {}
  const texts: (keyof RunInput)[] = ['trigger', 'repository', 'ref', 'commit', 'delivery']
  return Object.fromEntries(
    Object.entries(input).filter(
      ([key, value]) =>
        (texts.includes(key as keyof RunInput) && typeof value === 'string') ||
        (key === 'attributes' && Array.isArray(value)),
    ),
  )
}
