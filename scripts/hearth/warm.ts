import { randomUUID } from 'node:crypto'
import type { RunInput } from '../../functions/shared/contract.ts'
import { executionName, startRun } from '../../functions/shared/start-run.ts'
import type { Deployment } from './deployment.ts'
import { watchRun } from './run/watch.ts'

export interface WarmOptions {
  repository: string
  ref: string
  commit?: string
  retryFailed?: boolean
  wait?: boolean
  json: boolean
}

/** `hearth warm`: starts a run, and with --wait follows it. Returns the exit code. */
export async function warm(
  deployment: Deployment,
  { repository, ref, commit, retryFailed, wait, json }: WarmOptions,
): Promise<number> {
  const input: RunInput = {
    trigger: 'hand',
    repository,
    ref,
    ...(commit === undefined ? {} : { commit }),
    ...(retryFailed === true ? { retryFailed } : {}),
  }
  const run = executionName('hand', repository, randomUUID())
  await startRun(deployment.sfn, deployment.warmStateMachine, run, input)
  if (wait !== true) {
    console.log(json ? JSON.stringify({ run }) : `started ${run}`)
    return 0
  }
  if (!json) console.log(`started ${run}, waiting for its end`)
  return watchRun(deployment, run, { json, isFresh: true })
}
