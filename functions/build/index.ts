import { CodeBuildClient } from '@aws-sdk/client-codebuild'
import { S3Client } from '@aws-sdk/client-s3'
import * as z from 'zod/mini'
import type { BatchMachine, MachineJob } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { machineOfBuild, stateKeys } from '../shared/keys.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { writeJson } from '../shared/objects.ts'
import { checkMachine } from './check-machine.ts'

const codebuild = new CodeBuildClient({})
const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }

const BuildInput = z.object({
  run: z.string(),
  /** what the machine is to do; when absent, it only says that it is there */
  work: z.optional(
    z.object({
      /** a new batch; when there is none, it goes on with what it has in hand */
      given: z.optional(z.object({ batch: z.string(), job: z.string() })),
    }),
  ),
  /** the CodeBuild build that serves the lane */
  build: z.string(),
  /** which of its jobs this is, from 1 */
  turn: z.number(),
  token: z.string(),
})

/**
 * Build: hands a batch to the lane's machine, or lets it go on with what it has; the machine looks for it and answers by the task's token. AwaitMachine: asks a
 * machine that was just started to say that it is there.
 */
export const handler = lambda(BuildInput, async ({ run, work, build, turn, token }) => {
  const machine = machineOfBuild(requireEnvironment('BUILDER_ROLE_ID'), build)
  if (work === undefined && turn > 1) await checkMachine(codebuild, build)
  const given = work?.given
  if (given !== undefined) {
    const served: BatchMachine = { version: 1, machine, build }
    await writeJson(state, stateKeys.batchMachine(run, given.batch), served)
  }
  await writeJson(state, stateKeys.machineJob(machine, turn), machineJob(work, token))
  logger.info('handed over', { batch: given?.batch, build, turn })
  return {}
})

function machineJob(work: z.output<typeof BuildInput>['work'], token: string): MachineJob {
  if (work === undefined) return { version: 1, token, hello: true }
  if (work.given === undefined) return { version: 1, token, goOn: true }
  return { version: 1, token, job: work.given.job }
}
