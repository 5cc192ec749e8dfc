import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DescribeExecutionCommand, ExecutionDoesNotExist } from '@aws-sdk/client-sfn'
import type { RunInput } from '../../functions/shared/contract.ts'
import { executionName, startRun } from '../../functions/shared/start-run.ts'
import type { Deployment } from './deployment.ts'
import { showRun } from './run-show.ts'

export interface WarmOptions {
  repository: string
  ref: string
  commit?: string
  wait?: boolean
  json: boolean
}

// Step Functions allows some 15 DescribeExecution a second for an account: one every two seconds disturbs nobody.
const POLL_MS = 2000

/** `hearth warm`: starts a run, and with --wait follows it. Returns the exit code. */
export async function warm(
  deployment: Deployment,
  { repository, ref, commit, wait, json }: WarmOptions,
): Promise<number> {
  const input: RunInput = { trigger: 'hand', repository, ref, ...(commit === undefined ? {} : { commit }) }
  const run = executionName('hand', repository, randomUUID())
  await startRun(deployment.sfn, deployment.warmStateMachine, run, input)
  if (wait !== true) {
    console.log(json ? JSON.stringify({ run }) : `started ${run}`)
    return 0
  }
  if (!json) console.log(`started ${run}, waiting for its end`)
  while (await isRunning(deployment, run)) await sleep(POLL_MS)
  return showRun(deployment, run, json)
}

async function isRunning({ sfn, executionArn }: Deployment, run: string): Promise<boolean> {
  try {
    const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn: executionArn(run) }))
    return status === 'RUNNING'
  } catch (error) {
    // DescribeExecution is eventually consistent: right after its start an execution may not be known yet
    if (error instanceof ExecutionDoesNotExist) return true
    throw error
  }
}
