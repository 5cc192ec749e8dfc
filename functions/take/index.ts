import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import * as z from 'zod/mini'
import { requireEnvironment } from '../shared/environment.ts'
import { machineOfBuild } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { runningExecutions } from './running-executions.ts'
import { take } from './take.ts'

const sfn = new SFNClient({})
const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }

const TakeInput = z.object({
  run: z.string(),
  /** ARN of the run's execution */
  execution: z.string(),
  lane: z.object({ wave: z.number(), system: z.string(), slot: z.number() }),
  taken: z.number(),
  /** the CodeBuild build that serves the lane; null when there is none */
  machine: z.nullable(z.object({ build: z.string(), turns: z.number(), answered: z.string() })),
  token: z.string(),
})

/**
 * Take: the next batch for a lane, as early as there is one. It answers by the task's token: at once, or when somebody sees that something has
 * become ready.
 */
export const handler = lambda(TakeInput, async ({ run, execution, lane, taken, machine, token }) => {
  const { wave, system, slot } = lane
  const request = {
    run,
    wave,
    lane: { system, slot },
    taken,
    token,
    ...(machine === null ? {} : { machine: laneMachine(machine) }),
  }
  const parts = { state, sfn, isRunning: runningExecutions(sfn, execution), clock: () => new Date() }
  const answered = await take(request, parts)
  logger.info('taken', { lane, ...(answered ?? { verdict: 'parked' }) })
  return {}
})

function laneMachine({ build, turns, answered }: { build: string; turns: number; answered: string }) {
  return { id: machineOfBuild(requireEnvironment('BUILDER_ROLE_ID'), build), turns, answered }
}
