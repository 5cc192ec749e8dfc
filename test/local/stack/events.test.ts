import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Stack } from '../../../local/stack/start-stack.ts'
import { allow, fn, role, startTestStack, until, type Resources, type TestStack } from './test-stack.ts'

const WAITING = {
  QueryLanguage: 'JSONata',
  StartAt: 'Wait',
  States: { Wait: { Type: 'Wait', Seconds: 1000, End: true } },
}

function machine(definition: unknown, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    Type: 'AWS::StepFunctions::StateMachine',
    Properties: {
      StateMachineName: 'warm',
      RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
      Definition: definition,
      ...more,
    },
  }
}

function clientOf(stack: Stack): SFNClient {
  const client = new SFNClient({ endpoint: stack.endpoint, region: 'us-east-1', credentials: stack.operator })
  onTestFinished(() => client.destroy())
  return client
}

async function ended(
  stack: Stack,
  executionArn: string,
): Promise<{ status: string | undefined; output: string | undefined; error: string | undefined }> {
  return until(async () => {
    const { status, output, error } = await clientOf(stack).send(
      new DescribeExecutionCommand({ executionArn }),
    )
    return status === 'RUNNING' ? undefined : { status, output, error }
  })
}

const logged = ({ events }: TestStack): string[] =>
  events.flatMap((event) => (event.kind === 'function-log' ? event.lines : []))

const permission = (principal: string, sourceArn?: unknown): Record<string, unknown> => ({
  Type: 'AWS::Lambda::Permission',
  Properties: {
    FunctionName: { Ref: 'Report' },
    Action: 'lambda:InvokeFunction',
    Principal: principal,
    ...(sourceArn === undefined ? {} : { SourceArn: sourceArn }),
  },
})

function withRule(more: Resources = {}): Resources {
  return {
    Role: role(),
    Warm: machine(WAITING),
    Report: fn('export const handler = async (event) => console.log(JSON.stringify(event))'),
    Rule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        EventPattern: {
          source: ['aws.states'],
          'detail-type': ['Step Functions Execution Status Change'],
          detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: [{ Ref: 'Warm' }] },
        },
        Targets: [{ Arn: { 'Fn::GetAtt': ['Report', 'Arn'] }, Id: 'report' }],
      },
    },
    ...more,
  }
}

describe('an execution that is aborted is told to whoever a rule names', () => {
  test('with the event that EventBridge sends', async () => {
    const started = await startTestStack(
      withRule({ Permission: permission('events.amazonaws.com', { 'Fn::GetAtt': ['Rule', 'Arn'] }) }),
    )
    const stateMachineArn = started.stack.physicalId('Warm')
    const sfn = clientOf(started.stack)
    const { executionArn = '' } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn, name: 'run-1', input: '{"a":1}' }),
    )
    await sfn.send(new StopExecutionCommand({ executionArn, error: 'Superseded', cause: 'newer' }))
    const line = await until(() => logged(started)[0])
    expect(JSON.parse(line)).toMatchObject({
      version: '0',
      source: 'aws.states',
      'detail-type': 'Step Functions Execution Status Change',
      account: '123456789012',
      region: 'us-east-1',
      resources: [executionArn],
      detail: {
        executionArn,
        stateMachineArn,
        name: 'run-1',
        status: 'ABORTED',
        input: '{"a":1}',
        error: 'Superseded',
        cause: 'newer',
      },
    })
    // the start, RUNNING, matched no pattern
    expect(logged(started)).toHaveLength(1)
  })

  test.each<[string, Resources]>([
    ['without a permission', {}],
    [
      'with a permission for another rule',
      { Permission: permission('events.amazonaws.com', 'arn:aws:events:us-east-1:123456789012:rule/other') },
    ],
    ['with a permission for another service', { Permission: permission('apigateway.amazonaws.com') }],
  ])('not %s', async (_, more) => {
    const started = await startTestStack(withRule(more))
    const sfn = clientOf(started.stack)
    const { executionArn = '' } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn: started.stack.physicalId('Warm') }),
    )
    await sfn.send(new StopExecutionCommand({ executionArn }))
    const failure = await until(() => started.events.find(({ kind }) => kind === 'failure'))
    expect(failure).toMatchObject({
      where: 'rule Rule',
      message: expect.stringContaining('no AWS::Lambda::Permission lets events.amazonaws.com invoke'),
    })
    expect(logged(started)).toEqual([])
  })
})

const schedule = (target: Record<string, unknown>): Resources => ({
  Nightly: {
    Type: 'AWS::Events::Rule',
    Properties: { ScheduleExpression: 'rate(1 day)', Targets: [{ Id: 't', ...target }] },
  },
})

describe('a schedule is fired by hand', () => {
  test('a function', async () => {
    const started = await startTestStack({
      ...withRule({ Permission: permission('events.amazonaws.com') }),
      ...schedule({ Arn: { 'Fn::GetAtt': ['Report', 'Arn'] }, Input: '{"slot":7}' }),
    })
    await started.stack.fireSchedule('Nightly')
    expect(await until(() => logged(started)[0])).toBe('{"slot":7}')
  })

  test.each<[string, Record<string, unknown>[], boolean]>([
    ['a state machine, by a role that may start it', [allow('states:StartExecution', { Ref: 'Warm' })], true],
    ['a state machine, by a role that may not', [], false],
  ])('%s', async (_, statements, starts) => {
    const { stack } = await startTestStack({
      Role: role(),
      Warm: machine(WAITING),
      Starter: role(...statements),
      Nightly: {
        Type: 'AWS::Scheduler::Schedule',
        Properties: {
          ScheduleExpression: 'rate(1 day)',
          FlexibleTimeWindow: { Mode: 'OFF' },
          Target: { Arn: { Ref: 'Warm' }, RoleArn: { 'Fn::GetAtt': ['Starter', 'Arn'] }, Input: '{}' },
        },
      },
    })
    const fired = stack.fireSchedule('Nightly')
    await (starts ? fired : expect(fired).rejects.toMatchObject({ name: 'AccessDeniedException' }))
    const { executions } = await clientOf(stack).send(
      new ListExecutionsCommand({ stateMachineArn: stack.physicalId('Warm') }),
    )
    expect(executions).toHaveLength(starts ? 1 : 0)
  })

  test('one that is not there is named', async () => {
    const { stack } = await startTestStack(withRule())
    await expect(stack.fireSchedule('Weekly')).rejects.toThrow(
      'the template has no schedule "Weekly"; it has none',
    )
  })
})

describe('a state machine acts as its own role', () => {
  const task = {
    QueryLanguage: 'JSONata',
    StartAt: 'Double',
    States: {
      Double: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: { FunctionName: '${DoubleArn}', Payload: '{% $states.input %}' },
        Output: '{% $states.result.Payload %}',
        TimeoutSeconds: 60,
        End: true,
      },
    },
  }
  const resources = (...statements: Record<string, unknown>[]): Resources => ({
    Role: role(...statements),
    FunctionRole: role(),
    Double: fn('export const handler = async ({ n }) => n * 2', { role: 'FunctionRole' }),
    Warm: machine(task, { DefinitionSubstitutions: { DoubleArn: { 'Fn::GetAtt': ['Double', 'Arn'] } } }),
  })

  test.each<[string, Record<string, unknown>[], Record<string, unknown>]>([
    [
      'that may invoke',
      [allow('lambda:InvokeFunction', { 'Fn::GetAtt': ['Double', 'Arn'] })],
      { status: 'SUCCEEDED', output: '42' },
    ],
    ['that may not', [], { status: 'FAILED', error: 'Lambda.AWSLambdaException' }],
  ])('%s', async (_, statements, expected) => {
    const { stack } = await startTestStack(resources(...statements))
    const { executionArn = '' } = await clientOf(stack).send(
      new StartExecutionCommand({ stateMachineArn: stack.physicalId('Warm'), input: '{"n":21}' }),
    )
    expect(await ended(stack, executionArn)).toMatchObject(expected)
  })

  test('a placeholder without a substitution is refused', async () => {
    await expect(startTestStack({ Role: role(), Warm: machine(task) })).rejects.toThrow(
      'Resources.Warm: its definition has ${DoubleArn}, which DefinitionSubstitutions does not',
    )
  })
})
