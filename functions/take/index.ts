import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import * as z from 'zod/mini'
import { isStorePath, type StorePath } from '../../nix/store-path.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { machineOfBuild } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { runningExecutions } from './running-executions.ts'
import { take, type TakeRequest } from './take.ts'

const sfn = new SFNClient({})
const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }

const Machine = z.object({
  build: z.string(),
  turns: z.number(),
  answered: z.string(),
  isDone: z.boolean(),
  building: z.unknown(),
})

const Building = z.array(z.object({ drvPath: z.custom<StorePath>(isStorePath), seconds: z.number() }))

const TakeInput = z.object({
  run: z.string(),
  /** ARN of the run's execution */
  execution: z.string(),
  lane: z.object({ wave: z.number(), system: z.string(), slot: z.number() }),
  taken: z.number(),
  /** the CodeBuild build that serves the lane; nothing of it when there is none, since a JSONata variable cannot be null */
  machine: z.partial(Machine),
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
    ...laneMachine(machine),
  }
  const parts = { state, sfn, isRunning: runningExecutions(sfn, execution), clock: () => new Date() }
  const answered = await take(request, parts)
  logger.info('taken', { lane, ...(answered ?? { verdict: 'parked' }) })
  return {}
})

function laneMachine(given: unknown): Pick<TakeRequest, 'machine'> {
  const { success, data } = z.safeParse(Machine, given)
  if (!success) return {}
  const { build, turns, answered, isDone } = data
  const id = machineOfBuild(requireEnvironment('BUILDER_ROLE_ID'), build)
  // The machine's own words: nothing but its own work may hang on them.
  const building = z.safeParse(Building, data.building).data ?? []
  return { machine: { id, turns, answered, isDone, building } }
}
