import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
  type DescribeExecutionOutput,
} from '@aws-sdk/client-sfn'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Stack } from '../../../local/stack/start-stack.ts'
import { allow, role, startTestStack, temporaryFolder, until, type Resources } from './test-stack.ts'

type States = Record<string, object>

function machine(
  name: string,
  roleId: string,
  states: States,
  substitutions: object = {},
): Resources[string] {
  return {
    Type: 'AWS::StepFunctions::StateMachine',
    Properties: {
      StateMachineName: name,
      RoleArn: { 'Fn::GetAtt': [roleId, 'Arn'] },
      Definition: { QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states },
      DefinitionSubstitutions: substitutions,
      LoggingConfiguration: { Level: 'ALL' },
    },
  }
}

const ANSWERS: States = {
  Answer: { Type: 'Pass', Output: { twice: '{% $states.input.n * 2 %}' }, End: true },
}
const FAILS: States = { Fail: { Type: 'Fail', Error: 'Mine', Cause: 'why' } }
const WAITS: States = { Wait: { Type: 'Wait', Seconds: 1000, End: true } }
const start = (rest: object): object => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::states:startExecution.sync:2',
  TimeoutSeconds: 100,
  ...rest,
})
const ARGUMENTS = {
  StateMachineArn: '${LaneArn}',
  Name: "{% $states.context.Execution.Name & '-lane' %}",
  Input: { n: '{% $states.input.n %}' },
}
const CALLS: States = { Lane: start({ Arguments: ARGUMENTS, End: true }) }

const EXECUTIONS = 'arn:aws:states:us-east-1:123456789012:execution:lane:*'
const MAY = [
  allow('states:StartExecution', { Ref: 'Lane' }),
  allow(['states:DescribeExecution', 'states:StopExecution'], EXECUTIONS),
]

/** Two state machines of one template; the first in it needs the ARN of the second. */
const two = (lane: States, warm: States = CALLS, statements = MAY): Resources => ({
  Warm: machine('warm', 'WarmRole', warm, { LaneArn: { Ref: 'Lane' } }),
  Lane: machine('lane', 'LaneRole', lane),
  WarmRole: role(...statements),
  LaneRole: role(),
})

function client({ endpoint, operator }: Stack): SFNClient {
  const sfn = new SFNClient({ endpoint, region: 'us-east-1', credentials: operator })
  onTestFinished(() => sfn.destroy())
  return sfn
}

async function begin(stack: Stack, name = 'run'): Promise<string> {
  const started = await client(stack).send(
    new StartExecutionCommand({ stateMachineArn: stack.physicalId('Warm'), name, input: '{"n":21}' }),
  )
  return started.executionArn ?? ''
}

const look = (stack: Stack, executionArn: string): Promise<DescribeExecutionOutput> =>
  client(stack).send(new DescribeExecutionCommand({ executionArn }))

const ended = (stack: Stack, executionArn: string): Promise<DescribeExecutionOutput> =>
  until(async () => {
    const described = await look(stack, executionArn)
    return described.status === 'RUNNING' ? undefined : described
  })

/** The lanes' executions, as soon as there are so many. */
const lanes = (stack: Stack, count: number): Promise<string[]> =>
  until(async () => {
    const listed = await client(stack).send(
      new ListExecutionsCommand({ stateMachineArn: stack.physicalId('Lane') }),
    )
    const arns = (listed.executions ?? []).map(({ executionArn = '' }) => executionArn)
    return arns.length < count ? undefined : arns.toSorted()
  })

describe('a state machine that starts another one of its template', () => {
  test('gets its output, in the events that Step Functions has for it', async () => {
    const { stack } = await startTestStack(two(ANSWERS))
    const executionArn = await begin(stack)
    const { status, output = '' } = await ended(stack, executionArn)
    expect(status).toBe('SUCCEEDED')
    expect(JSON.parse(output)).toMatchObject({
      ExecutionArn: EXECUTIONS.replace('*', 'run-lane'),
      Input: { n: 21 },
      Output: { twice: 42 },
      Status: 'SUCCEEDED',
    })
    const { events = [] } = await client(stack).send(new GetExecutionHistoryCommand({ executionArn }))
    expect(events.map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSubmitted',
      'TaskSucceeded',
      'TaskStateExited',
      'ExecutionSucceeded',
    ])
    expect(events[4]?.taskSubmittedEventDetails).toMatchObject({
      resourceType: 'states',
      resource: 'startExecution.sync:2',
      output: expect.stringContaining('"ExecutionArn":"arn:aws:states:') as string,
    })
    expect(stack.denied).toEqual([])
  })

  test('fails with States.TaskFailed when the other one fails', async () => {
    const { stack } = await startTestStack(two(FAILS))
    const { error, cause = '' } = await ended(stack, await begin(stack))
    expect(error).toBe('States.TaskFailed')
    expect(JSON.parse(cause)).toMatchObject({
      Error: 'Mine',
      Cause: 'why',
      Status: 'FAILED',
      Input: '{"n":21}',
    })
  })

  test.each<[string, (typeof MAY)[number][], string, string]>([
    [
      'start it',
      MAY.slice(1),
      'states:StartExecution',
      'arn:aws:states:us-east-1:123456789012:stateMachine:lane',
    ],
    ['ask how it went', MAY.slice(0, 1), 'states:DescribeExecution', EXECUTIONS.replace('*', 'run-lane')],
  ])('needs the permission to %s', async (_, statements, action, resource) => {
    const { stack } = await startTestStack(two(ANSWERS, CALLS, statements))
    expect(await ended(stack, await begin(stack))).toMatchObject({
      status: 'FAILED',
      error: 'StepFunctions.AWSStepFunctionsException',
    })
    expect(stack.denied).toMatchObject([{ role: 'WarmRole', action, resource }])
  })

  const IMPATIENT: States = { Lane: { ...CALLS['Lane'], TimeoutSeconds: 1 } }
  const PARALLEL: States = {
    Both: {
      Type: 'Parallel',
      Branches: [
        { StartAt: 'Lane', States: CALLS },
        {
          StartAt: 'Soon',
          States: { Soon: { Type: 'Wait', Seconds: 1, Next: 'Give up' }, 'Give up': { Type: 'Fail' } },
        },
      ],
      End: true,
    },
  }
  test.each<[string, States, boolean]>([
    ['is stopped', CALLS, true],
    ['has no more patience', IMPATIENT, false],
    ['fails in another branch', PARALLEL, false],
  ])('stops it when it %s', async (_, warm, byHand) => {
    const { stack } = await startTestStack(two(WAITS, warm))
    const executionArn = await begin(stack)
    const [child = ''] = await lanes(stack, 1)
    if (byHand) await client(stack).send(new StopExecutionCommand({ executionArn }))
    expect(await ended(stack, child)).toMatchObject({ status: 'ABORTED' })
    expect(await ended(stack, executionArn)).toMatchObject({ status: byHand ? 'ABORTED' : 'FAILED' })
    expect(stack.denied).toEqual([])
  })

  test('needs the permission to stop it', async () => {
    const { stack } = await startTestStack(
      two(WAITS, CALLS, [MAY[0] ?? {}, allow('states:DescribeExecution', EXECUTIONS)]),
    )
    const executionArn = await begin(stack)
    const [child = ''] = await lanes(stack, 1)
    await client(stack).send(new StopExecutionCommand({ executionArn }))
    await until(() => stack.denied[0])
    expect(stack.denied).toMatchObject([
      { role: 'WarmRole', action: 'states:StopExecution', resource: child },
    ])
    expect(await look(stack, child)).toMatchObject({ status: 'RUNNING' })
  })
})

describe('when the stack goes down and comes up again', () => {
  const TWO_LANES: States = {
    Lanes: {
      Type: 'Map',
      Items: [1, 2],
      ItemProcessor: {
        StartAt: 'Lane',
        States: {
          Lane: start({
            Arguments: {
              ...ARGUMENTS,
              Name: "{% $states.context.Execution.Name & '-' & $string($states.input) %}",
              Input: { n: '{% $states.input %}' },
            },
            Output: '{% $states.result.Status %}',
            End: true,
          }),
        },
      },
      End: true,
    },
  }
  /** The first lane is done at once, the second after a while. */
  const UNLIKE: States = {
    Which: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $states.input.n = 1 %}', Next: 'Done' }],
      Default: 'Wait',
    },
    Done: { Type: 'Succeed' },
    Wait: { Type: 'Wait', Seconds: 2, End: true },
  }

  test('both go on, and nothing is started twice: not what runs, and not what had ended', async () => {
    const folder = await temporaryFolder()
    const { stack } = await startTestStack(two(UNLIKE, TWO_LANES), { folder })
    const executionArn = await begin(stack)
    const [first = ''] = await lanes(stack, 2)
    await ended(stack, first)
    await stack.close()
    const { stack: again } = await startTestStack(two(UNLIKE, TWO_LANES), { folder })
    expect(await ended(again, executionArn)).toMatchObject({
      status: 'SUCCEEDED',
      output: '["SUCCEEDED","SUCCEEDED"]',
      redriveCount: 1,
    })
    const { executions = [] } = await client(again).send(
      new ListExecutionsCommand({ stateMachineArn: again.physicalId('Lane') }),
    )
    expect(new Map(executions.map(({ name, redriveCount }) => [name, redriveCount]))).toEqual(
      new Map([
        ['run-1', 0],
        ['run-2', 1],
      ]),
    )
  })
})
