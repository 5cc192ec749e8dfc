import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import {
  BatchGetBuildsCommand,
  CodeBuildClient,
  ListBuildsForProjectCommand,
  StartBuildCommand,
  StopBuildCommand,
  type Build,
  type StartBuildCommandInput,
} from '@aws-sdk/client-codebuild'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, onTestFinished, test } from 'vitest'
import yazl from 'yazl'
import { createBuilds } from '../../../local/codebuild/builds.ts'
import type { Project } from '../../../local/codebuild/project.ts'
import { createLogStore } from '../../../local/logs/log-store.ts'
import type { Stack } from '../../../local/stack/start-stack.ts'
import type { StackEvent } from '../../../local/stack/stack-events.ts'
import { signedRequest } from '../gateway/signed-request.ts'
import {
  allow,
  processesOf,
  processesWith,
  role,
  startTestStack,
  temporaryFolder,
  until,
  type Resources,
} from './test-stack.ts'

function project(
  commands: Record<string, string[]>,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const phases = Object.fromEntries(
    Object.entries(commands).map(([phase, list]) => [phase, { commands: list }]),
  )
  return {
    Type: 'AWS::CodeBuild::Project',
    Properties: {
      Name: 'builder',
      ServiceRole: { 'Fn::GetAtt': ['Role', 'Arn'] },
      Artifacts: { Type: 'NO_ARTIFACTS' },
      Environment: { Type: 'LINUX_CONTAINER', Image: 'image', ComputeType: 'BUILD_GENERAL1_SMALL' },
      Source: { Type: 'NO_SOURCE', BuildSpec: JSON.stringify({ version: 0.2, phases }) },
      ...more,
    },
  }
}

function clientOf(stack: Stack): CodeBuildClient {
  const client = new CodeBuildClient({
    endpoint: stack.endpoint,
    region: 'us-east-1',
    credentials: stack.operator,
    maxAttempts: 1,
  })
  onTestFinished(() => client.destroy())
  return client
}

async function start(stack: Stack, input: Partial<StartBuildCommandInput> = {}): Promise<string> {
  const { build } = await clientOf(stack).send(new StartBuildCommand({ projectName: 'builder', ...input }))
  return build?.id ?? ''
}

async function get(stack: Stack, id: string): Promise<Build> {
  const { builds } = await clientOf(stack).send(new BatchGetBuildsCommand({ ids: [id] }))
  return builds?.[0] ?? {}
}

async function finished(stack: Stack, id: string): Promise<Build> {
  return until(async () => {
    const build = await get(stack, id)
    return build.buildComplete === true ? build : undefined
  })
}

function output(events: StackEvent[]): string[] {
  return events
    .flatMap((event) => (event.kind === 'build-log' ? event.lines : []))
    .filter((line) => !line.startsWith('[Container]'))
}

const phasesOf = (build: Build): (string | undefined)[][] =>
  (build.phases ?? []).map(({ phaseType, phaseStatus }) => [phaseType, phaseStatus])

async function run(
  commands: Record<string, string[]>,
  more: Record<string, unknown> = {},
  input: Partial<StartBuildCommandInput> = {},
): Promise<{ build: Build; lines: string[]; stack: Stack }> {
  const { stack, events } = await startTestStack({ Role: role(), P: project(commands, more) })
  const build = await finished(stack, await start(stack, input))
  return { build, stack, lines: output(events) }
}

test('a build that succeeds goes through every phase', async () => {
  const { build, lines, stack } = await run({ install: ['echo installing'], build: ['echo building'] })
  expect(phasesOf(build)).toEqual([
    ['SUBMITTED', 'SUCCEEDED'],
    ['QUEUED', 'SUCCEEDED'],
    ['PROVISIONING', 'SUCCEEDED'],
    ['DOWNLOAD_SOURCE', 'SUCCEEDED'],
    ['INSTALL', 'SUCCEEDED'],
    ['PRE_BUILD', 'SUCCEEDED'],
    ['BUILD', 'SUCCEEDED'],
    ['POST_BUILD', 'SUCCEEDED'],
    ['FINALIZING', 'SUCCEEDED'],
    ['COMPLETED', undefined],
  ])
  expect(build).toMatchObject({
    id: expect.stringMatching(/^builder:[0-9a-f-]{36}$/),
    arn: `arn:aws:codebuild:us-east-1:123456789012:build/${build.id}`,
    buildStatus: 'SUCCEEDED',
    buildNumber: 1,
    currentPhase: 'COMPLETED',
    projectName: 'builder',
    startTime: expect.any(Date),
    endTime: expect.any(Date),
  })
  expect(lines).toEqual(['installing', 'building'])
  const { groupName: logGroupName, streamName: logStreamName } = build.logs ?? {}
  const log = await signedRequest(stack.endpoint, stack.operator, 'logs', 'Logs_20140328.GetLogEvents', {
    logGroupName,
    logStreamName,
    startFromHead: true,
  })
  const { events } = log.body as { events: { message: string }[] }
  expect(events.map(({ message }) => message).filter((message) => !message.startsWith('['))).toEqual(lines)
  const { ids } = await clientOf(stack).send(new ListBuildsForProjectCommand({ projectName: 'builder' }))
  expect(ids).toEqual([build.id])
})

describe('commands', () => {
  test.each<[string, Record<string, string[]>, string[], Record<string, string>]>([
    [
      'share one shell',
      { install: ['export A=1; B=2; cd /tmp'], build: ['echo $A $B $PWD'] },
      ['1 2 /tmp'],
      {},
    ],
    [
      'that fail end their phase, and POST_BUILD follows BUILD',
      { build: ['false', 'echo never'], post_build: ['echo post $CODEBUILD_BUILD_SUCCEEDING'] },
      ['post 0'],
      { BUILD: 'FAILED', POST_BUILD: 'SUCCEEDED' },
    ],
    [
      'that fail in INSTALL end the build',
      { install: ['exit 4'], build: ['echo never'] },
      [],
      { INSTALL: 'FAILED' },
    ],
    [
      'that fail in PRE_BUILD end the build',
      { pre_build: ['false'], build: ['echo never'], post_build: ['echo never'] },
      [],
      { PRE_BUILD: 'FAILED' },
    ],
    [
      'that exit end themselves, not the build',
      {
        build: ['export A=1; cd /; exit 0', 'echo $A $PWD', 'exit 3', 'echo never'],
        post_build: ['echo post $A'],
      },
      ['1 /', 'post 1'],
      { BUILD: 'FAILED', POST_BUILD: 'SUCCEEDED' },
    ],
    [
      'with quotes, several lines, and no newline at the end',
      { build: ["echo 'it''s'\necho \"two  $((1+1))\"\nprintf end"] },
      ['its', 'two  2', 'end'],
      {},
    ],
    [
      'that write empty lines and to stderr',
      { build: ['echo a; echo; echo b >&2; echo'] },
      ['a', '', 'b', ''],
      {},
    ],
    ['have no input', { build: ['cat; echo done'] }, ['done'], {}],
  ])('%s', async (_, commands, lines, failing) => {
    const result = await run(commands)
    expect(result.lines).toEqual(lines)
    const statuses = Object.fromEntries(phasesOf(result.build))
    expect(statuses).toMatchObject(failing)
    const failed = Object.values(failing).includes('FAILED')
    expect(result.build.buildStatus).toBe(failed ? 'FAILED' : 'SUCCEEDED')
    if (failed) {
      const context = (result.build.phases ?? []).find(({ phaseStatus }) => phaseStatus === 'FAILED')
        ?.contexts?.[0]
      expect(context).toMatchObject({
        statusCode: 'COMMAND_EXECUTION_ERROR',
        message: expect.stringContaining('exit status'),
      })
    }
  })
})

test('the environment: the project’s, what overrides it, CodeBuild’s own, and nothing of this machine', async () => {
  process.env['HEARTH_TEST_SECRET'] = 'of the host'
  onTestFinished(() => void delete process.env['HEARTH_TEST_SECRET'])
  const { build, lines } = await run(
    {
      build: [
        'env | cut -d= -f1 | sort | tr "\\n" " "; echo; echo "$A $B"; dirname "$(command -v node)"; echo $CODEBUILD_BUILD_ID',
      ],
    },
    {
      Environment: {
        Type: 'LINUX_CONTAINER',
        Image: 'i',
        ComputeType: 'BUILD_GENERAL1_SMALL',
        EnvironmentVariables: [
          { Name: 'A', Value: 'project' },
          { Name: 'B', Value: 'project' },
        ],
      },
    },
    { environmentVariablesOverride: [{ name: 'B', value: 'override' }] },
  )
  expect(lines).toEqual([
    'A AWS_ACCESS_KEY_ID AWS_DEFAULT_REGION AWS_ENDPOINT_URL AWS_REGION AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN B CI CODEBUILD_BUILD_ARN CODEBUILD_BUILD_ID CODEBUILD_BUILD_IMAGE CODEBUILD_BUILD_NUMBER CODEBUILD_BUILD_SUCCEEDING CODEBUILD_CI CODEBUILD_INITIATOR CODEBUILD_LOG_PATH CODEBUILD_SRC_DIR CODEBUILD_START_TIME HOME LANG PATH PWD SHELL SHLVL TMPDIR USER _ ',
    'project override',
    expect.stringContaining(process.execPath.replace(/\/node$/, '')),
    build.id,
  ])
})

describe('the source is a zip that the service role may read', () => {
  const source: Resources = {
    Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'sources' } },
    P: project({}, { Source: { Type: 'S3', Location: 'sources/source.zip' } }),
  }
  const buildspec =
    'version: 0.2\nphases:\n  build:\n    commands: [./run.sh, "aws_session=$(printenv AWS_SESSION_TOKEN | wc -c); test $aws_session -gt 1"]\n'

  test.each<[string, Record<string, unknown>[], string, string[]]>([
    ['it may', [allow('s3:GetObject', 'arn:aws:s3:::sources/*')], 'SUCCEEDED', ['from the zip']],
    ['it may not', [], 'FAILED', []],
  ])('%s', async (_, statements, buildStatus, lines) => {
    const { stack, events } = await startTestStack({ ...source, Role: role(...statements) })
    const zip = new yazl.ZipFile()
    zip.addBuffer(Buffer.from(buildspec), 'buildspec.yml')
    zip.addBuffer(Buffer.from('#!/bin/sh\necho from the zip\n'), 'run.sh', { mode: 0o100755 })
    zip.end()
    const s3 = new S3Client({
      endpoint: stack.endpoint,
      region: 'us-east-1',
      credentials: stack.operator,
      forcePathStyle: true,
    })
    onTestFinished(() => s3.destroy())
    await s3.send(
      new PutObjectCommand({ Bucket: 'sources', Key: 'source.zip', Body: await buffer(zip.outputStream) }),
    )
    const build = await finished(stack, await start(stack))
    expect(build.buildStatus).toBe(buildStatus)
    expect(output(events)).toEqual(lines)
    if (buildStatus === 'FAILED')
      expect(build.phases?.find(({ phaseType }) => phaseType === 'DOWNLOAD_SOURCE')).toMatchObject({
        phaseStatus: 'FAILED',
        contexts: [{ statusCode: 'CLIENT_ERROR', message: expect.stringContaining('AccessDenied') }],
      })
  })
})

test('a buildspec that is not understood fails the build by its name', async () => {
  const { build } = await run({}, { Source: { Type: 'NO_SOURCE', BuildSpec: 'version: 0.2\nreports: {}\n' } })
  expect(build.buildStatus).toBe('FAILED')
  expect(JSON.stringify(build.phases)).toContain('the local CodeBuild does not know \\"reports\\"')
})

const resources = (statements: Record<string, unknown>[]): Resources => ({
  Secret: {
    Type: 'AWS::SecretsManager::Secret',
    Properties: { Name: 'token', SecretString: '{"key":"value"}' },
  },
  Role: role(...statements),
  P: project({ build: ['echo $TOKEN'] }),
})

test('a secret as a variable, with the service role’s rights', async () => {
  const variable = { name: 'TOKEN', value: 'token:key', type: 'SECRETS_MANAGER' as const }
  const allowed = await startTestStack(resources([allow('secretsmanager:GetSecretValue', { Ref: 'Secret' })]))
  await finished(allowed.stack, await start(allowed.stack, { environmentVariablesOverride: [variable] }))
  expect(output(allowed.events)).toEqual(['value'])
  const denied = await startTestStack(resources([]))
  const build = await finished(
    denied.stack,
    await start(denied.stack, { environmentVariablesOverride: [variable] }),
  )
  expect(build.buildStatus).toBe('FAILED')
})

/** Starts what leaves its process group and forgets its environment, as Nix's builds do. */
const ESCAPE = 'setsid env -i sleep 1000 & echo started; sleep 1000'

describe('a build that is ended leaves nothing running', () => {
  test.each<[string, (stack: Stack, id: string) => Promise<unknown>, string]>([
    ['stopped', (stack, id) => clientOf(stack).send(new StopBuildCommand({ id })), 'STOPPED'],
    ['its machine is lost', (stack, id) => stack.killBuild(id), 'FAILED'],
  ])('%s', async (_, end, buildStatus) => {
    const { stack, events, folder } = await startTestStack({
      Role: role(),
      P: project({ build: [ESCAPE], post_build: ['echo never'] }),
    })
    const id = await start(stack)
    await until(() => output(events).find((line) => line === 'started'))
    const sleeping = processesWith(`CODEBUILD_BUILD_ID=${id}`)
    expect(sleeping.length).toBeGreaterThan(0)
    await end(stack, id)
    const build = await finished(stack, id)
    expect(build.buildStatus).toBe(buildStatus)
    expect(build.phases?.at(-2)).toMatchObject({ phaseType: 'BUILD', phaseStatus: buildStatus })
    expect(processesWith(`CODEBUILD_BUILD_ID=${id}`)).toEqual([])
    expect(await processesOf(folder)).toEqual([])
    expect(output(events)).toEqual(['started'])
  })
})

test('builds wait for their machine, and one that waits can be stopped', async () => {
  const machine = { name: 'm', wrap: (command: string[]) => ['env', 'ON_MACHINE=m', ...command] }
  const { stack, events } = await startTestStack(
    { Role: role(), P: project({ build: ['echo on $ON_MACHINE; read -r _ < "$GATE"'] }) },
    { machines: { builder: machine } },
  )
  const gate = `${(await startTestStack({})).folder}/gate`
  const { execFileSync } = await import('node:child_process')
  execFileSync('mkfifo', [gate])
  const environmentVariablesOverride = [{ name: 'GATE', value: gate }]
  const [first, second, third] = [
    await start(stack, { environmentVariablesOverride }),
    await start(stack, { environmentVariablesOverride }),
    await start(stack, { environmentVariablesOverride }),
  ]
  await until(() => output(events).find((line) => line === 'on m'))
  expect([(await get(stack, second)).currentPhase, (await get(stack, third)).currentPhase]).toEqual([
    'QUEUED',
    'QUEUED',
  ])
  await clientOf(stack).send(new StopBuildCommand({ id: second }))
  expect(await get(stack, second)).toMatchObject({ buildStatus: 'STOPPED', buildComplete: true })
  for (const id of [first, third]) {
    execFileSync('sh', ['-c', `echo go > ${gate}`])
    expect(await finished(stack, id)).toMatchObject({ buildStatus: 'SUCCEEDED' })
  }
  expect(output(events)).toEqual(['on m', 'on m'])
})

describe('a build that takes too long', () => {
  test.each<[string, Pick<Project, 'timeoutInMinutes' | 'queuedTimeoutInMinutes'>, string]>([
    ['running', { timeoutInMinutes: 0.01, queuedTimeoutInMinutes: 5 }, 'BUILD'],
    ['queued', { timeoutInMinutes: 5, queuedTimeoutInMinutes: 0.01 }, 'QUEUED'],
  ])('%s', async (_, limits, phaseType) => {
    const folder = await temporaryFolder()
    const logs = createLogStore(join(folder, 'logs'))
    // Through the API no limit is below five minutes.
    const builds = createBuilds({
      folder,
      endpoint: '',
      logs,
      credentialsFor: () => ({ accessKeyId: 'a', secretAccessKey: 'b' }),
    })
    onTestFinished(async () => {
      await builds.close()
      logs.close()
    })
    const machine = { name: 'm', wrap: (command: string[]) => command }
    const definition: Project = {
      ...limits,
      machines: [machine],
      name: 'p',
      role: 'Role',
      serviceRoleArn: '',
      source: {
        type: 'NO_SOURCE',
        buildspec: JSON.stringify({ version: 0.2, phases: { build: { commands: [ESCAPE] } } }),
      },
      environment: {
        type: 't',
        image: 'i',
        computeType: 'c',
        environmentVariables: [],
        privilegedMode: false,
      },
    }
    const first = builds.start(definition, 'me', {})
    // It occupies the machine, so that another one has to wait.
    const build = phaseType === 'QUEUED' ? builds.start(definition, 'me', {}) : first
    await until(() => (build.buildComplete ? true : undefined))
    expect(build.buildStatus).toBe('TIMED_OUT')
    expect(build.phases.at(-2)).toMatchObject({ phaseType, phaseStatus: 'TIMED_OUT' })
    expect(processesWith(`CODEBUILD_BUILD_ID=${build.id}`)).toEqual([])
  })
})

describe('StartBuild refuses', () => {
  test.each<[string, Partial<StartBuildCommandInput>, string]>([
    ['a project that is not there', { projectName: 'nobody' }, 'ResourceNotFoundException'],
    ['an override that is not emulated', { reportBuildStatusOverride: true }, 'ValidationException'],
    ['a time-out below five minutes', { timeoutInMinutesOverride: 4 }, 'InvalidInputException'],
    [
      'a variable of the parameter store',
      { environmentVariablesOverride: [{ name: 'A', value: 'b', type: 'PARAMETER_STORE' }] },
      'InvalidInputException',
    ],
  ])('%s', async (_, input, name) => {
    const { stack } = await startTestStack({ Role: role(), P: project({}) })
    await expect(start(stack, input)).rejects.toMatchObject({ name })
  })

  test('more builds than the project’s limit', async () => {
    const { stack } = await startTestStack({
      Role: role(),
      P: project({ build: ['sleep 1000'] }, { ConcurrentBuildLimit: 1 }),
    })
    await start(stack)
    await expect(start(stack)).rejects.toMatchObject({ name: 'AccountLimitExceededException' })
  })

  test('and the same token starts one build', async () => {
    const { stack } = await startTestStack({ Role: role(), P: project({}) })
    expect(await start(stack, { idempotencyToken: 'once' })).toBe(
      await start(stack, { idempotencyToken: 'once' }),
    )
  })
})
