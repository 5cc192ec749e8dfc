import { S3Client } from '@aws-sdk/client-s3'
import * as z from 'zod/mini'
import type { BatchMachine, MachineJob } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { machineOfBuild, stateKeys } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { writeJson } from '../shared/objects.ts'

const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }

const BuildInput = z.object({
  run: z.string(),
  /** what to build; when absent, the machine only says that it is there */
  batch: z.optional(z.object({ batch: z.string(), job: z.string() })),
  /** the CodeBuild build that serves the lane */
  build: z.string(),
  /** which of its jobs this is, from 1 */
  turn: z.number(),
  token: z.string(),
})

/**
 * Build: hands a batch to the lane's machine, which looks for it and answers by the task's token. AwaitMachine: asks a machine that was just started to say that it
 * is there.
 */
export const handler = lambda(BuildInput, async ({ run, batch, build, turn, token }) => {
  const machine = machineOfBuild(requireEnvironment('BUILDER_ROLE_ID'), build)
  const machineJob: MachineJob =
    batch === undefined ? { version: 1, token, hello: true } : { version: 1, token, job: batch.job }
  if (batch !== undefined) {
    const served: BatchMachine = { version: 1, machine, build }
    await writeJson(state, stateKeys.batchMachine(run, batch.batch), served)
  }
  await writeJson(state, stateKeys.machineJob(machine, turn), machineJob)
  logger.info('handed over', { batch: batch?.batch, build, turn })
  return {}
})
