import { S3Client } from '@aws-sdk/client-s3'
import type { EvaluationJob, RunId, RunInput, RunSummary, WavePlan } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { readFound } from '../shared/found.ts'
import { stateKeys } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { findJson, readJson, writeJson } from '../shared/objects.ts'
import { readBatches, readPlans } from '../shared/run-files.ts'
import { readSchedule } from '../shared/schedule-file.ts'
import { type EndingRequest, ReportRequest, readRequest } from './request.ts'
import { standingOf } from './standing.ts'
import { summarise } from './summary.ts'

const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }

/** Report: says how a run ended, whichever way it ended, and how its shells stand while it goes on. Asked twice, it says the same. */
export const handler = lambda(ReportRequest, async (request) =>
  'wave' in request ? reportStanding(request) : reportEnding(request),
)

async function reportStanding({ run, wave }: { run: RunId; wave: number }): Promise<object> {
  const [plan, schedule, batches, found] = await Promise.all([
    readJson<WavePlan>(state, stateKeys.plan(run, wave)),
    readSchedule(state, run, wave),
    readBatches(state, run),
    readFound(state, run, wave),
  ])
  const standing = standingOf(plan, schedule, batches, found.now)
  await writeJson(state, stateKeys.standing(run), standing)
  const counts = Object.groupBy(standing.shells, ({ status }) => status)
  logger.info('still at work', { run, warm: counts.warm?.length ?? 0, cold: counts.cold?.length ?? 0 })
  return {}
}

async function reportEnding(request: EndingRequest): Promise<object> {
  const { run, input, ending, isFirstHand } = readRequest(request)
  if (!isFirstHand) {
    const said = await findJson<RunSummary>(state, stateKeys.summary(run))
    // The Fail state follows Report: EventBridge then only repeats what is recorded.
    if (said !== undefined) return { verdict: said.verdict }
  }
  const job = await findJson<EvaluationJob>(state, stateKeys.job(run))
  const plans = await readPlans(state, run)
  const summary = summarise(
    run,
    partialInput(input),
    job?.target,
    ending,
    plans,
    await readBatches(state, run),
  )
  await writeJson(state, stateKeys.summary(run), summary)
  logger.info('reported', {
    run,
    verdict: summary.verdict,
    ...summary.derivations,
    error: summary.error?.name,
  })
  return { verdict: summary.verdict, ...(summary.error === undefined ? {} : { error: summary.error }) }
}

/** An execution may have been started with anything at all: only what has the right type is repeated. */
function partialInput(input: unknown): Partial<RunInput> {
  if (typeof input !== 'object' || input === null) return {}
  const known: (keyof RunInput)[] = ['trigger', 'repository', 'ref', 'commit', 'delivery']
  return Object.fromEntries(
    Object.entries(input).filter(
      ([key, value]) => known.includes(key as keyof RunInput) && typeof value === 'string',
    ),
  )
}
