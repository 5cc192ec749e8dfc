import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import * as z from 'zod/mini'
import { currentConfig } from '../shared/config.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { executionName, startRun } from '../shared/start-run.ts'
import { scheduledTargets } from './targets.ts'

const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }
const sfn = new SFNClient({})

/** Schedule: starts a run for every branch that hearth.yml names. The slot's time is part of the run's name, so a repeated event starts nothing twice. */
export const handler = lambda(z.object({ time: z.string() }), async ({ time }) => {
  const { config } = await currentConfig(state)
  const runs: string[] = []
  for (const { repository, ref } of scheduledTargets(config)) {
    const run = executionName('schedule', repository, `${repository} ${ref} ${time}`)
    const started = await startRun(sfn, requireEnvironment('WARM_STATE_MACHINE'), run, {
      trigger: 'schedule',
      repository,
      ref,
    })
    logger.info('scheduled', { run, repository, ref, started })
    runs.push(run)
  }
  return { runs }
})
