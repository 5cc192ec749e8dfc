import { DescribeExecutionCommand, SFNClient, type DescribeExecutionOutput } from '@aws-sdk/client-sfn'
import { setTimeout as delay } from 'node:timers/promises'

export const ROLE = 'arn:aws:iam::123456789012:role/machine'
export const MACHINE = 'arn:aws:states:us-east-1:123456789012:stateMachine:warm'

export const client = (endpoint: string): SFNClient =>
  new SFNClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })

export const definition = (states: Record<string, unknown>, rest: object = {}): string =>
  JSON.stringify({ QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states, ...rest })

export const PASS = definition({ Only: { Type: 'Pass', Output: { got: '{% $states.input %}' }, End: true } })

/** A state that calls a function and hands its payload on. */
export const calling = (name: string, rest: object = { End: true }): object => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: name, Payload: '{% $states.input %}' },
  Output: '{% $states.result.Payload %}',
  ...rest,
})

/** How an execution ended; waits for it. */
export async function ended(
  sfn: SFNClient,
  executionArn: string | undefined,
): Promise<DescribeExecutionOutput> {
  for (;;) {
    const described = await sfn.send(new DescribeExecutionCommand({ executionArn }))
    if (described.status !== 'RUNNING') return described
    await delay(10)
  }
}

/** Waits until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(10)
}
