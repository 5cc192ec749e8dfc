import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
} from '@aws-sdk/client-sfn'
import type { RunStanding, RunSummary } from '../../../functions/shared/contract.ts'
import { HearthError } from '../../../functions/shared/errors.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { findJson } from '../../../functions/shared/objects.ts'
import type { Deployment } from '../deployment.ts'
import { formatStanding, formatSummary } from './format-summary.ts'

export class NoSuchRun extends HearthError {
  override name = 'NoSuchRun'
}

const GOOD = new Set<RunSummary['verdict']>(['done', 'superseded', 'unchanged', 'ignored'])

/** `hearth run show`: how a run ended, or where it is. Returns the exit code: 0 unless a run has ended badly. */
export async function showRun(deployment: Deployment, run: string, json: boolean): Promise<number> {
  const summary = await findJson<RunSummary>(deployment.state, stateKeys.summary(run))
  if (summary !== undefined) {
    console.log(json ? JSON.stringify(summary) : formatSummary(summary))
    return GOOD.has(summary.verdict) ? 0 : 1
  }
  const { status, state } = await whereItIs(deployment, run)
  const standing = await findJson<RunStanding>(deployment.state, stateKeys.standing(run))
  const { shells = [] } = standing ?? {}
  console.log(
    json
      ? JSON.stringify({ run, status, state, shells })
      : [`${run}: ${status}, in ${state}`, ...shells.map(formatStanding)].join('\n'),
  )
  return 0
}

export async function whereItIs(
  { sfn, executionArn }: Deployment,
  run: string,
): Promise<{ status: string; state: string }> {
  try {
    const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn: executionArn(run) }))
    const { events } = await sfn.send(
      new GetExecutionHistoryCommand({
        executionArn: executionArn(run),
        reverseOrder: true,
        maxResults: 100,
      }),
    )
    const entered = events?.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails !== undefined)
    return {
      status: status ?? 'UNKNOWN',
      state: entered?.stateEnteredEventDetails?.name ?? 'its first state',
    }
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist)
      throw new NoSuchRun(
        `there is no run ${run}: its name is the execution's name, such as hand-acme-shells-… or push-acme-shells-…`,
      )
    throw error
  }
}
