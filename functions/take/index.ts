import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import * as z from 'zod/mini'
import { requireEnvironment } from '../shared/environment.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { answer } from './parked-lanes.ts'
import { runningExecutions } from './running-executions.ts'
import { take } from './take.ts'

const sfn = new SFNClient({})
const s3 = new S3Client({})
const state = { s3, name: requireEnvironment('STATE_BUCKET') }
const cache = { s3, name: requireEnvironment('CACHE_BUCKET') }

const TakeInput = z.object({
  run: z.string(),
  /** ARN of the run's execution */
  execution: z.string(),
  lane: z.object({ wave: z.number(), system: z.string(), slot: z.number() }),
  /** how many batches the lane has taken before */
  taken: z.number(),
  /** the lane's machine: a CodeBuild build, or nothing when it has none yet */
  machine: z.string(),
  token: z.string(),
})

/**
 * Take: the next batch for a lane, as early as there is one. It answers by the task's token: at once, or when somebody sees that something has
 * become ready.
 */
export const handler = lambda(TakeInput, async ({ token, execution, ...request }) => {
  const isRunning = runningExecutions(sfn, execution)
  const parts = { state, cache, sfn, isRunning, clock: () => new Date(), token }
  const answered = await take(request, parts)
  logger.info('taken', { lane: request.lane, ...(answered ?? { verdict: 'parked' }) })
  if (answered !== undefined) await answer(sfn, token, answered)
  return {}
})
