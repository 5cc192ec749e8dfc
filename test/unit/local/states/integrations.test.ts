import {
  BatchGetBuildsCommand,
  CodeBuildClient,
  StartBuildCommand,
  StopBuildCommand,
} from '@aws-sdk/client-codebuild'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { mockClient } from 'aws-sdk-client-mock'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Json } from '../../../../local/states/asl/json.ts'
import { createIntegrations } from '../../../../local/states/integrations.ts'
import { BUILD, INVOKE } from './execute.ts'

const lambda = mockClient(LambdaClient)
const codebuild = mockClient(CodeBuildClient)
const integrations = createIntegrations({
  lambda: new LambdaClient({ region: 'us-east-1' }),
  codebuild: new CodeBuildClient({ region: 'us-east-1' }),
  pollMilliseconds: 1,
})

beforeEach(() => {
  lambda.reset()
  codebuild.reset()
})

async function call(
  resource: string,
  args: Json,
  signal = new AbortController().signal,
  submitted: Json[] = [],
): Promise<Json> {
  const integration = integrations[resource]
  if (!integration) throw new Error(`no integration ${resource}`)
  return integration(args, { signal, taskToken: 'token', submitted: (output) => submitted.push(output) })
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
