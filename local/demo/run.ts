import { setTimeout as sleep } from 'node:timers/promises'
import { DescribeExecutionCommand, GetExecutionHistoryCommand, type SFNClient } from '@aws-sdk/client-sfn'
import type { RunSummary } from '../../functions/shared/contract.ts'
import { stateKeys } from '../../functions/shared/keys.ts'
import { type Bucket, readJson } from '../../functions/shared/objects.ts'
import { readBatches, type TriedBatch } from '../../functions/shared/run-files.ts'
import type { StorePath } from '../../nix/store-path.ts'

/** A run that has ended: what Step Functions and Hearth say of it. */
export interface EndedRun {
  run: string
  status: string
  /** names of the states that the histories of its execution, and of those that it started, have; each once */
  states: string[]
  summary: RunSummary
  batches: TriedBatch[]
  /** every derivation that a builder was given, in every wave: one that was tried again stands twice */
  tried: StorePath[]
}

const POLL_MS = 200

/** Waits for the end of a run, and reads what it left. */
export async function endOfRun(sfn: SFNClient, state: Bucket, executionArn: string): Promise<EndedRun> {
  let status = 'RUNNING'
  while (status === 'RUNNING') {
    await sleep(POLL_MS)
    status = (await sfn.send(new DescribeExecutionCommand({ executionArn }))).status ?? 'UNKNOWN'
  }
  const run = executionArn.slice(executionArn.lastIndexOf(':') + 1)
  const batches = await readBatches(state, run)
  return {
    run,
    status,
    states: [...(await statesEntered(sfn, executionArn))],
    summary: await readJson<RunSummary>(state, stateKeys.summary(run)),
    batches,
    tried: batches.flatMap(({ job }) => job.derivations.map(({ drvPath }) => drvPath)),
  }
}

async function statesEntered(sfn: SFNClient, executionArn: string): Promise<Set<string>> {
  const names = new Set<string>()
  const started = new Set<string>()
  let nextToken: string | undefined
  do {
    const page = await sfn.send(new GetExecutionHistoryCommand({ executionArn, nextToken }))
    for (const { stateEnteredEventDetails, taskSubmittedEventDetails: submitted } of page.events ?? []) {
      if (stateEnteredEventDetails?.name !== undefined) names.add(stateEnteredEventDetails.name)
      if (submitted?.resourceType === 'states')
        started.add((JSON.parse(submitted.output ?? '{}') as { ExecutionArn: string }).ExecutionArn)
    }
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  for (const child of started) for (const name of await statesEntered(sfn, child)) names.add(name)
  return names
}
