import { S3Client } from '@aws-sdk/client-s3'
import type { EvaluationJob, RunInput, RunSummary } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { stateKeys } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { findJson, writeJson } from '../shared/objects.ts'
import { readBatches, readPlans } from '../shared/run-files.ts'
import { ReportRequest, readRequest } from './request.ts'
import { summarise } from './summary.ts'

const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }

/** Report: says how a run ended, whichever way it ended. Asked twice, it says the same. */
export const handler = lambda(ReportRequest, async (request) => {
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
})

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
