import { DescribeExecutionCommand, ExecutionDoesNotExist, type SFNClient } from '@aws-sdk/client-sfn'
import type { RunId } from '../shared/contract.ts'

/**
 * Whether the executions of other runs still run; each is asked for once.
 * @param own ARN of an execution of the same state machine
 */
export function runningExecutions(sfn: SFNClient, own: string): (run: RunId) => Promise<boolean> {
  const answers = new Map<RunId, Promise<boolean>>()
  const prefix = own.slice(0, own.lastIndexOf(':') + 1)
  const ask = async (run: RunId): Promise<boolean> => {
    try {
      const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn: prefix + run }))
      return status === 'RUNNING'
    } catch (error) {
      // 90 days after its end Step Functions forgets an execution
      if (error instanceof ExecutionDoesNotExist) return false
      throw error
    }
  }
  return (run) => {
    const answer = answers.get(run) ?? ask(run)
    answers.set(run, answer)
    return answer
  }
}
