import {
  BatchGetBuildsCommand,
  CodeBuildClient,
  StartBuildCommand,
  StopBuildCommand,
} from '@aws-sdk/client-codebuild'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn'
import { mockClient } from 'aws-sdk-client-mock'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Json } from '../../../../local/states/asl/json.ts'
import type { TaskContext } from '../../../../local/states/integration.ts'
import { createIntegrations } from '../../../../local/states/integrations.ts'
import type { StatusChange } from '../../../../local/states/status-change.ts'
import { Suspended } from '../../../../local/states/suspended.ts'
import { BUILD, INVOKE } from './execute.ts'

const lambda = mockClient(LambdaClient)
const codebuild = mockClient(CodeBuildClient)
const states = mockClient(SFNClient)
const listeners = new Set<(change: StatusChange) => void>()
const integrations = createIntegrations({
  lambda: new LambdaClient({ region: 'us-east-1' }),
  codebuild: new CodeBuildClient({ region: 'us-east-1' }),
  states: new SFNClient({ region: 'us-east-1' }),
  changes: (listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
  pollMilliseconds: 1,
})

beforeEach(() => {
  lambda.reset()
  codebuild.reset()
  states.reset()
})

async function call(
  resource: string,
  args: Json,
  signal = new AbortController().signal,
  submitted: Json[] = [],
  more: Partial<TaskContext> = {},
): Promise<Json> {
  const integration = integrations[resource]
  if (!integration) throw new Error(`no integration ${resource}`)
  return integration(args, {
    signal,
    taskToken: 'token',
    submitted: (output) => submitted.push(output),
    ...more,
  })
}

const $metadata = { httpStatusCode: 200, requestId: 'r-1' }
/** A payload as the SDK gives it. */
function payload(text: string): Uint8Array & { transformToString(): string } {
  return Object.assign(Buffer.from(text), { transformToString: () => text })
}
const answered = (text: string, rest: object = {}): void => {
  lambda.on(InvokeCommand).resolves({
    StatusCode: 200,
    ExecutedVersion: '$LATEST',
    Payload: payload(text),
    $metadata,
    ...rest,
  })
}
const serviceError = (name: string, status: number): Error =>
  Object.assign(new Error('no'), { name, $metadata: { httpStatusCode: status, requestId: 'r-1' } })

describe('lambda:invoke', () => {
  test('hands over the payload and gives what Step Functions gives', async () => {
    answered('{"ok":true}')
    expect(await call(INVOKE, { FunctionName: 'f', Payload: { x: 1 }, Qualifier: '$LATEST' })).toEqual({
      ExecutedVersion: '$LATEST',
      Payload: { ok: true },
      SdkHttpMetadata: { HttpStatusCode: 200 },
      SdkResponseMetadata: { RequestId: 'r-1' },
      StatusCode: 200,
    })
    const [sent] = lambda.commandCalls(InvokeCommand)
    expect(sent?.args[0].input).toEqual({
      FunctionName: 'f',
      Qualifier: '$LATEST',
      Payload: Buffer.from('{"x":1}'),
    })
  })

  test.each<[string, string, object, string, string]>([
    [
      'by the name it threw',
      '{"errorType":"NoSuchRef","errorMessage":"gone"}',
      { FunctionError: 'Unhandled' },
      'NoSuchRef',
      '{"errorType":"NoSuchRef","errorMessage":"gone"}',
    ],
    [
      'as unhandled when it names nothing',
      '{"errorMessage":"x"}',
      { FunctionError: 'Unhandled' },
      'Unhandled',
      '{"errorMessage":"x"}',
    ],
    [
      'as unhandled when it dies with plain text',
      'Killed',
      { FunctionError: 'Unhandled' },
      'Unhandled',
      'Killed',
    ],
  ])('a function that fails is known %s', async (_, text, rest, error, reason) => {
    answered(text, rest)
    await expect(call(INVOKE, { FunctionName: 'f' })).rejects.toMatchObject({ error, reason })
  })

  test('a function that returns nothing gives null', async () => {
    answered('')
    expect(await call(INVOKE, { FunctionName: 'f' })).toMatchObject({ Payload: null })
  })

  test.each<[string, Error, string]>([
    ['a throttle', serviceError('TooManyRequestsException', 429), 'Lambda.TooManyRequestsException'],
    [
      'an unknown function',
      serviceError('ResourceNotFoundException', 404),
      'Lambda.ResourceNotFoundException',
    ],
    ['a denied permission', serviceError('AccessDeniedException', 403), 'Lambda.AWSLambdaException'],
    ['no connection', new Error('connect ECONNREFUSED'), 'Lambda.SdkClientException'],
  ])('%s is named as Step Functions names it', async (_, thrown, error) => {
    lambda.on(InvokeCommand).rejects(thrown)
    await expect(call(INVOKE, { FunctionName: 'f' })).rejects.toMatchObject({ error })
  })

  test.each<[string, Json]>([
    ['unknown names', { FunctionName: 'f', Functionname: 'f' }],
    ['missing names', {}],
    ['no object', 'f'],
  ])('refuses Arguments with %s that an expression made', async (_, args) => {
    await expect(call(INVOKE, args)).rejects.toMatchObject({ error: 'States.Runtime' })
  })
})

describe('codebuild:startBuild', () => {
  const START_BUILD = 'arn:aws:states:::codebuild:startBuild'

  test('starts a build, and gives it at once, in PascalCase', async () => {
    const build = {
      id: 'p:1',
      buildStatus: 'IN_PROGRESS' as const,
      projectName: 'p',
      startTime: new Date(1000),
    }
    codebuild.on(StartBuildCommand).resolves({ build, $metadata })
    const submitted: Json[] = []
    expect(await call(START_BUILD, { ProjectName: 'p' }, undefined, submitted)).toEqual({
      Build: { Id: 'p:1', BuildStatus: 'IN_PROGRESS', ProjectName: 'p', StartTime: 1000 },
      SdkHttpMetadata: { HttpStatusCode: 200 },
      SdkResponseMetadata: { RequestId: 'r-1' },
    })
    expect(codebuild.commandCalls(StartBuildCommand)[0]?.args[0].input).toEqual({ projectName: 'p' })
    // nobody looks after it, and nothing has been submitted that could still answer
    expect(codebuild.commandCalls(BatchGetBuildsCommand)).toEqual([])
    expect(submitted).toEqual([])
  })

  test('does not stop it when the execution goes on to something else', async () => {
    const control = new AbortController()
    codebuild.on(StartBuildCommand).callsFake(() => {
      control.abort(new Error('stopped'))
      return { build: { id: 'p:1' }, $metadata }
    })
    await call(START_BUILD, { ProjectName: 'p' }, control.signal)
    expect(codebuild.commandCalls(StopBuildCommand)).toEqual([])
  })

  test.each([
    ['AccountLimitExceededException', 'CodeBuild.AccountLimitExceededException'],
    ['ThrottlingException', 'CodeBuild.ThrottlingException'],
    ['ResourceNotFoundException', 'CodeBuild.ResourceNotFoundException'],
  ])('%s is named as Step Functions names it', async (name, error) => {
    codebuild.on(StartBuildCommand).rejects(serviceError(name, 400))
    await expect(call(START_BUILD, { ProjectName: 'p' })).rejects.toMatchObject({ error })
  })

  test.each<[string, Json]>([
    ['unknown names', { ProjectName: 'p', ServiceRoleOverride: 'r' }],
    ['missing names', {}],
  ])('refuses Arguments with %s that an expression made', async (_, args) => {
    await expect(call(START_BUILD, args)).rejects.toMatchObject({ error: 'States.Runtime' })
  })
})

describe('codebuild:startBuild.sync', () => {
  const running = {
    id: 'p:1',
    arn: 'arn:…:build/p:1',
    buildStatus: 'IN_PROGRESS' as const,
    projectName: 'p',
    startTime: new Date(1000),
  }
  const args = {
    ProjectName: 'p',
    EnvironmentVariablesOverride: [{ Name: 'JOB', Value: 'k', Type: 'PLAINTEXT' }],
  }

  test('starts a build, looks until it has ended, and gives it in PascalCase', async () => {
    codebuild.on(StartBuildCommand).resolves({ build: running, $metadata })
    codebuild
      .on(BatchGetBuildsCommand)
      .resolvesOnce({ builds: [running] })
      .resolves({
        builds: [
          { ...running, buildStatus: 'SUCCEEDED', phases: [{ phaseType: 'BUILD', durationInSeconds: 3 }] },
        ],
      })
    const submitted: Json[] = []
    expect(await call(BUILD, args, undefined, submitted)).toEqual({
      Build: {
        Id: 'p:1',
        Arn: 'arn:…:build/p:1',
        BuildStatus: 'SUCCEEDED',
        ProjectName: 'p',
        StartTime: 1000,
        Phases: [{ PhaseType: 'BUILD', DurationInSeconds: 3 }],
      },
    })
    expect(submitted).toMatchObject([
      { Build: { Id: 'p:1', BuildStatus: 'IN_PROGRESS' }, SdkResponseMetadata: { RequestId: 'r-1' } },
    ])
    expect(codebuild.commandCalls(StartBuildCommand)[0]?.args[0].input).toEqual({
      projectName: 'p',
      environmentVariablesOverride: [{ name: 'JOB', value: 'k', type: 'PLAINTEXT' }],
    })
    expect(codebuild.commandCalls(StopBuildCommand)).toEqual([])
  })

  test.each(['FAILED', 'FAULT', 'TIMED_OUT', 'STOPPED'] as const)(
    'a build that ends %s raises States.TaskFailed with the build as its cause',
    async (buildStatus) => {
      codebuild.on(StartBuildCommand).resolves({ build: running, $metadata })
      codebuild.on(BatchGetBuildsCommand).resolves({ builds: [{ id: 'p:1', buildStatus }] })
      await expect(call(BUILD, args)).rejects.toMatchObject({
        error: 'States.TaskFailed',
        reason: `{"Build":{"Id":"p:1","BuildStatus":"${buildStatus}"}}`,
      })
    },
  )

  test('a build that nobody waits for any more is stopped', async () => {
    const control = new AbortController()
    codebuild.on(StartBuildCommand).resolves({ build: running, $metadata })
    codebuild.on(BatchGetBuildsCommand).callsFake(() => {
      control.abort(new Error('stopped'))
      return { builds: [running] }
    })
    codebuild.on(StopBuildCommand).resolves({})
    await expect(call(BUILD, args, control.signal)).rejects.toThrow()
    expect(codebuild.commandCalls(StopBuildCommand)[0]?.args[0].input).toEqual({ id: 'p:1' })
  })

  test('the account limit is named as Step Functions names it', async () => {
    codebuild.on(StartBuildCommand).rejects(serviceError('AccountLimitExceededException', 400))
    await expect(call(BUILD, args)).rejects.toMatchObject({
      error: 'CodeBuild.AccountLimitExceededException',
    })
  })
})

describe('states:startExecution.sync:2', () => {
  const START = 'arn:aws:states:::states:startExecution.sync:2'
  const MACHINE = 'arn:aws:states:us-east-1:123456789012:stateMachine:lane'
  const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:lane:run-1'
  const args = { StateMachineArn: MACHINE, Name: 'run-1', Input: { k: 1 } }
  const running = {
    executionArn: EXECUTION,
    stateMachineArn: MACHINE,
    name: 'run-1',
    status: 'RUNNING' as const,
    startDate: new Date(1000),
    input: '{"k":1}',
    inputDetails: { included: true },
    redriveCount: 0,
    $metadata,
  }
  const succeeded = {
    ...running,
    status: 'SUCCEEDED' as const,
    stopDate: new Date(2000),
    output: '{"ok":true}',
    outputDetails: { included: true },
  }
  const ends = (status: string, executionArn = EXECUTION): void =>
    listeners.forEach((listener) => listener({ executionArn, status } as StatusChange))
  const started = (): unknown =>
    states
      .on(StartExecutionCommand)
      .resolves({ executionArn: EXECUTION, startDate: new Date(1000), $metadata })

  test('starts an execution, hears of its end, and gives it with Input and Output as JSON', async () => {
    started()
    states.on(DescribeExecutionCommand).callsFakeOnce(() => {
      // what others do, and what it does before its end, is no end
      setImmediate(() => {
        ends('SUCCEEDED', `${EXECUTION}0`)
        ends('RUNNING')
        states.on(DescribeExecutionCommand).resolves(succeeded)
        ends('SUCCEEDED')
      })
      return running
    })
    const submitted: Json[] = []
    expect(await call(START, args, undefined, submitted)).toEqual({
      ExecutionArn: EXECUTION,
      Input: { k: 1 },
      InputDetails: { Included: true },
      Name: 'run-1',
      Output: { ok: true },
      OutputDetails: { Included: true },
      RedriveCount: 0,
      StartDate: 1000,
      StateMachineArn: MACHINE,
      Status: 'SUCCEEDED',
      StopDate: 2000,
    })
    expect(submitted).toEqual([
      {
        ExecutionArn: EXECUTION,
        SdkHttpMetadata: { HttpStatusCode: 200 },
        SdkResponseMetadata: { RequestId: 'r-1' },
        StartDate: 1000,
      },
    ])
    expect(states.commandCalls(StartExecutionCommand).map(({ args: [sent] }) => sent.input)).toEqual([
      { stateMachineArn: MACHINE, name: 'run-1', input: '{"k":1}' },
    ])
    expect(states.commandCalls(StopExecutionCommand)).toEqual([])
    expect(listeners.size).toBe(0)
  })

  test('one that has ended before anybody listened has ended', async () => {
    started()
    states.on(DescribeExecutionCommand).resolves(succeeded)
    expect(await call(START, args)).toMatchObject({ Output: { ok: true } })
  })

  const TAIL = `"ExecutionArn":"${EXECUTION}","Input":"{\\"k\\":1}","InputDetails":{"Included":true},"Name":"run-1","RedriveCount":0,"StartDate":1000,"StateMachineArn":"${MACHINE}",`
  // Source: what others measured at AWS (floci, AslExecutorNestedSyncFailureTest): members in alphabetical order, Input as text.
  test.each([
    [
      'FAILED',
      { error: 'Boom', cause: 'why' },
      `{"Cause":"why","Error":"Boom",${TAIL}"Status":"FAILED","StopDate":2000}`,
    ],
    [
      'FAILED',
      { error: 'States.Timeout' },
      `{"Error":"States.Timeout",${TAIL}"Status":"FAILED","StopDate":2000}`,
    ],
    ['TIMED_OUT', {}, `{${TAIL}"Status":"TIMED_OUT","StopDate":2000}`],
    ['ABORTED', { error: 'Mine' }, `{"Error":"Mine",${TAIL}"Status":"ABORTED","StopDate":2000}`],
  ] as const)(
    'one that ends %s with %o raises States.TaskFailed, with all that is known of it as the cause',
    async (status, how, reason) => {
      started()
      states.on(DescribeExecutionCommand).resolves({ ...running, ...how, status, stopDate: new Date(2000) })
      await expect(call(START, args)).rejects.toMatchObject({ error: 'States.TaskFailed', reason })
    },
  )

  test.each<[string, Error, boolean]>([
    ['that nobody waits for any more is stopped', new Error('stopped'), true],
    ['stays when the stack goes down', new Suspended(), false],
  ])('one %s', async (_, reason, isStopped) => {
    const control = new AbortController()
    started()
    states.on(DescribeExecutionCommand).callsFake(() => {
      control.abort(reason)
      return running
    })
    states.on(StopExecutionCommand).resolves({})
    await expect(call(START, args, control.signal)).rejects.toThrow()
    expect(states.commandCalls(StopExecutionCommand).map(({ args: [sent] }) => sent.input)).toEqual(
      isStopped ? [{ executionArn: EXECUTION }] : [],
    )
    expect(listeners.size).toBe(0)
  })

  const taken = (): ExecutionAlreadyExists => new ExecutionAlreadyExists({ message: 'no', $metadata })
  test.each<[string, Error, string]>([
    ['a name that is taken', taken(), 'StepFunctions.ExecutionAlreadyExistsException'],
    [
      'a state machine that is not there',
      serviceError('StateMachineDoesNotExist', 400),
      'StepFunctions.StateMachineDoesNotExistException',
    ],
    ['a throttle', serviceError('ThrottlingException', 400), 'StepFunctions.ThrottlingException'],
    [
      'a denied permission',
      serviceError('AccessDeniedException', 400),
      'StepFunctions.AWSStepFunctionsException',
    ],
    ['no connection', new Error('connect ECONNREFUSED'), 'StepFunctions.SdkClientException'],
  ])('%s is named as Step Functions names it', async (_, thrown, error) => {
    states.on(StartExecutionCommand).rejects(thrown)
    await expect(call(START, args)).rejects.toMatchObject({ error })
  })

  test.each<[string, object, number, string]>([
    ['which this task started before a restart, is the one', {}, 1001, 'SUCCEEDED'],
    ['that is younger than the restart is another', {}, 1000, 'ExecutionAlreadyExistsException'],
    ['with another input is another', { input: '{"k":2}' }, 1001, 'ExecutionAlreadyExistsException'],
  ])('an execution of the same name %s', async (_, known, resumed, expected) => {
    states.on(StartExecutionCommand).rejects(taken())
    states.on(DescribeExecutionCommand).resolves({ ...succeeded, ...known })
    const outcome = await call(START, args, undefined, [], { resumed }).catch(String)
    expect(JSON.stringify(outcome)).toContain(expected)
    expect(states.commandCalls(DescribeExecutionCommand)[0]?.args[0].input).toEqual({
      executionArn: EXECUTION,
    })
  })

  test.each<[string, Json]>([
    ['unknown names', { ...args, TraceHeader: 'x' }],
    ['missing names', { Name: 'run-1' }],
    ['a state machine that is no text', { ...args, StateMachineArn: 7 }],
    ['a name that is no text', { ...args, Name: {} }],
    ['an input that is no object', { ...args, Input: '{"k":1}' }],
  ])('refuses Arguments with %s that an expression made', async (_, wrong) => {
    await expect(call(START, wrong)).rejects.toMatchObject({ error: 'States.Runtime' })
    expect(states.commandCalls(StartExecutionCommand)).toEqual([])
  })
})
