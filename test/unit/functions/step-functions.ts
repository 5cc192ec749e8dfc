import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandInput,
  ExecutionDoesNotExist,
  SendTaskSuccessCommand,
  type SendTaskSuccessCommandInput,
  SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn'
import { mockClient } from 'aws-sdk-client-mock'

const METADATA = { message: 'gone', $metadata: { httpStatusCode: 400 } }

/** Step Functions in memory, behind every client there is: tasks that wait for their tokens, and executions that run. */
export class StepFunctions {
  readonly sfn = new SFNClient({})
  readonly mock = mockClient(SFNClient)
  /** token -> what becomes of its answer */
  readonly #waiting = new Map<string, (output: unknown) => void>()
  readonly #timedOut = new Set<string>()
  /** names of the executions that run */
  readonly running = new Set<string>()
  /** names of those that have ended, and that Step Functions still knows */
  readonly ended = new Set<string>()
  /** what must come to pass before it does what it is asked for */
  before: (request: string) => Promise<void> | void = () => undefined

  constructor() {
    this.mock
      .on(SendTaskSuccessCommand)
      .callsFake(async ({ taskToken = '', output = '' }: SendTaskSuccessCommandInput) => {
        await this.before(`SendTaskSuccess ${taskToken}`)
        this.#succeed(taskToken, JSON.parse(output))
        return {}
      })
    this.mock
      .on(DescribeExecutionCommand)
      .callsFake(async ({ executionArn = '' }: DescribeExecutionCommandInput) => {
        await this.before(`DescribeExecution ${executionArn}`)
        const name = executionArn.slice(executionArn.lastIndexOf(':') + 1)
        if (this.running.has(name)) return { status: 'RUNNING' }
        if (this.ended.has(name)) return { status: 'SUCCEEDED' }
        throw new ExecutionDoesNotExist(METADATA)
      })
  }

  /** A task begins to wait. */
  wait(token: string, onAnswer: (output: unknown) => void): void {
    this.#waiting.set(token, onAnswer)
  }

  isWaiting(token: string): boolean {
    return this.#waiting.has(token)
  }

  /** Its time is up. */
  timeOut(token: string): void {
    if (this.#waiting.delete(token)) this.#timedOut.add(token)
  }

  #succeed(token: string, output: unknown): void {
    const onAnswer = this.#waiting.get(token)
    // A token is good for one answer.
    this.#waiting.delete(token)
    if (onAnswer !== undefined) onAnswer(output)
    else if (this.#timedOut.has(token)) throw new TaskTimedOut(METADATA)
    else throw new TaskDoesNotExist(METADATA)
  }
}
