import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn'
import { CodeBuildClient, BatchGetBuildsCommand, StartBuildCommand } from '@aws-sdk/client-codebuild'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readStackFile } from '../../../local/stack/stack-file.ts'
import type { Stack } from '../../../local/stack/start-stack.ts'
import {
  fn,
  processesOf,
  role,
  startTestStack,
  temporaryFolder,
  until,
  type Resources,
} from './test-stack.ts'

const configOf = (stack: Stack): { endpoint: string; region: string; credentials: Stack['operator'] } => ({
  endpoint: stack.endpoint,
  region: 'us-east-1',
  credentials: stack.operator,
})

const BUCKET: Resources = { Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'things' } } }
const SECRET: Resources = {
  Secret: {
    Type: 'AWS::SecretsManager::Secret',
    Properties: { Name: 'made-up', GenerateSecretString: { PasswordLength: 40 } },
  },
}
const PASS: Resources = {
  Machine: {
    Type: 'AWS::StepFunctions::StateMachine',
    Properties: {
      StateMachineName: 'warm',
      RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
      Definition: {
        QueryLanguage: 'JSONata',
        StartAt: 'Pass',
        States: { Pass: { Type: 'Pass', Output: '{% $states.input.n + 1 %}', End: true } },
      },
    },
  },
  Role: role(),
}

describe('a second start on the same folder', () => {
  test('finds objects, secrets and executions again, and the operator is the same', async () => {
    const folder = await temporaryFolder()
    const resources = { ...BUCKET, ...SECRET, ...PASS }
    const look = async (stack: Stack): Promise<unknown> => {
      const s3 = new S3Client({ ...configOf(stack), forcePathStyle: true })
      const secrets = new SecretsManagerClient(configOf(stack))
      const sfn = new SFNClient(configOf(stack))
      onTestFinished(() => [s3, secrets, sfn].forEach((client) => client.destroy()))
      const object = await s3.send(new GetObjectCommand({ Bucket: 'things', Key: 'a' }))
      const secret = await secrets.send(new GetSecretValueCommand({ SecretId: stack.physicalId('Secret') }))
      const { executions = [] } = await sfn.send(
        new ListExecutionsCommand({ stateMachineArn: stack.physicalId('Machine') }),
      )
      const { output } = await sfn.send(
        new DescribeExecutionCommand({ executionArn: executions[0]?.executionArn ?? '' }),
      )
      return {
        object: await object.Body?.transformToString(),
        secret: secret.SecretString,
        executions: executions.map(({ name, status }) => [name, status]),
        output,
        operator: stack.operator,
        roleId: stack.attribute('Role', 'RoleId'),
      }
    }
    const first = await startTestStack(resources, { folder })
    const s3 = new S3Client({ ...configOf(first.stack), forcePathStyle: true })
    const sfn = new SFNClient(configOf(first.stack))
    onTestFinished(() => [s3, sfn].forEach((client) => client.destroy()))
    await s3.send(new PutObjectCommand({ Bucket: 'things', Key: 'a', Body: 'hello' }))
    const stateMachineArn = first.stack.physicalId('Machine')
    const { executionArn } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn, name: 'run-1', input: '{"n":1}' }),
    )
    await until(async () => {
      const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn: executionArn ?? '' }))
      return status === 'SUCCEEDED' ? status : undefined
    })
    const before = await look(first.stack)
    expect(before).toMatchObject({
      object: 'hello',
      secret: expect.stringMatching(/^.{40}$/),
      executions: [['run-1', 'SUCCEEDED']],
      output: '2',
    })
    await first.stack.close()
    const second = await startTestStack(resources, { folder })
    expect(await look(second.stack)).toEqual(before)
  })

  test('is refused while the first runs', async () => {
    const { folder, stack } = await startTestStack(BUCKET)
    await expect(startTestStack(BUCKET, { folder })).rejects.toMatchObject({
      name: 'StackIsRunning',
      message: `${folder} already has a stack, at ${stack.endpoint} (process ${process.pid})`,
    })
  })

  test('tells builds that ran when the first was killed that they are lost, and ends what is left of them', async () => {
    const resources = {
      Role: role(),
      P: {
        Type: 'AWS::CodeBuild::Project',
        Properties: {
          Name: 'builder',
          ServiceRole: { 'Fn::GetAtt': ['Role', 'Arn'] },
          Artifacts: { Type: 'NO_ARTIFACTS' },
          Environment: { Type: 'LINUX_CONTAINER', Image: 'i', ComputeType: 'c' },
          Source: {
            Type: 'NO_SOURCE',
            BuildSpec: JSON.stringify({
              version: 0.2,
              phases: { build: { commands: ['echo started; sleep 1000'] } },
            }),
          },
        },
      },
    }
    const { stack, folder, events } = await startTestStack(resources)
    const client = new CodeBuildClient(configOf(stack))
    onTestFinished(() => client.destroy())
    const { build } = await client.send(new StartBuildCommand({ projectName: 'builder' }))
    await until(() => events.find((event) => event.kind === 'build-log' && event.lines.includes('started')))
    // What a kill -9 of the stack leaves behind: the record of a running build, and its processes.
    const { createBuilds } = await import('../../../local/codebuild/builds.ts')
    const { createLogStore } = await import('../../../local/logs/log-store.ts')
    const next = createBuilds({
      folder: join(folder, 'codebuild'),
      endpoint: '',
      logs: createLogStore(folder),
      credentialsFor: () => stack.operator,
    })
    expect(next.find(build?.id ?? '')).toMatchObject({ buildStatus: 'FAULT', buildComplete: true })
    expect(await processesOf(join(folder, 'codebuild'))).toEqual([])
    await until(async () => {
      const { builds } = await client.send(new BatchGetBuildsCommand({ ids: [build?.id ?? ''] }))
      return builds?.[0]?.buildComplete === true ? true : undefined
    })
  })
})

describe('a custom resource', () => {
  const code = `export const handler = async (event) => {
  console.log(JSON.stringify(event))
  const { StackId, RequestId, LogicalResourceId, ResourceProperties } = event
  if (ResourceProperties.Fail === 'throw') throw new Error('thrown')
  const failed = ResourceProperties.Fail === 'report'
  const answer = { StackId, RequestId, LogicalResourceId, PhysicalResourceId: 'installed', Status: failed ? 'FAILED' : 'SUCCESS', Reason: failed ? 'reported' : undefined, Data: { Key: 'builders/' + ResourceProperties.Hash } }
  const response = await fetch(event.ResponseURL, { method: 'PUT', headers: { 'content-type': ResourceProperties.ContentType ?? '' }, body: JSON.stringify(answer) })
  if (!response.ok) throw new Error('answer refused: ' + response.status)
}`
  const resources = (properties: Record<string, unknown>): Resources => ({
    Role: role(),
    F: fn(code),
    Install: {
      Type: 'Custom::Install',
      Properties: { ServiceToken: { 'Fn::GetAtt': ['F', 'Arn'] }, ServiceTimeout: 60, ...properties },
    },
    ...BUCKET,
  })
  const outputs = { Key: { Value: { 'Fn::GetAtt': ['Install', 'Key'] } }, Id: { Value: { Ref: 'Install' } } }

  test('is created once, updated when its properties change, and its data can be referred to', async () => {
    const folder = await temporaryFolder()
    const eventsOf = async (properties: Record<string, unknown>): Promise<unknown[]> => {
      const { stack, events } = await startTestStack(resources(properties), { folder, outputs })
      expect(stack.outputs).toEqual({ Key: `builders/${String(properties['Hash'])}`, Id: 'installed' })
      await stack.close()
      return events.flatMap((event) =>
        event.kind === 'function-log' ? event.lines.map((line): unknown => JSON.parse(line)) : [],
      )
    }
    expect(await eventsOf({ Hash: 'one', Number: 1, Flag: true })).toMatchObject([
      {
        RequestType: 'Create',
        ResourceType: 'Custom::Install',
        LogicalResourceId: 'Install',
        StackId: expect.stringMatching(/^arn:aws:cloudformation:/),
        // CloudFormation hands everything over as a string
        ResourceProperties: { Hash: 'one', Number: '1', Flag: 'true', ServiceToken: expect.any(String) },
      },
    ])
    expect(await eventsOf({ Hash: 'one', Number: 1, Flag: true })).toEqual([])
    expect(await eventsOf({ Hash: 'two' })).toMatchObject([
      {
        RequestType: 'Update',
        PhysicalResourceId: 'installed',
        OldResourceProperties: { Hash: 'one' },
        ResourceProperties: { Hash: 'two' },
      },
    ])
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['that reports a failure', { Fail: 'report' }, 'Install: reported'],
    ['whose function throws', { Fail: 'throw' }, 'thrown'],
    [
      'that sends a content type, for which CloudFormation’s URL is not signed',
      { ContentType: 'application/json' },
      'answer refused: 403',
    ],
  ])('%s stops the deployment', async (_, properties, message) => {
    const folder = await temporaryFolder()
    await expect(startTestStack(resources(properties), { folder })).rejects.toThrow(message)
    expect(await processesOf(folder)).toEqual([])
    expect(readStackFile(folder)).toBeUndefined()
  })
})

describe('the template is read strictly', () => {
  test.each<[string, Resources, string]>([
    [
      'an unknown type',
      { T: { Type: 'AWS::DynamoDB::Table' }, Q: { Type: 'AWS::SQS::Queue' } },
      'the local stack does not know these resource types: AWS::DynamoDB::Table (T), AWS::SQS::Queue (Q)',
    ],
    [
      'an unknown property',
      { B: { Type: 'AWS::S3::Bucket', Properties: { VersioningConfiguration: {} } } },
      'Resources.B: Properties: the local stack does not know VersioningConfiguration',
    ],
    [
      'an unknown attribute',
      {
        ...BUCKET,
        F: { Type: 'AWS::S3::BucketPolicy', Properties: { Bucket: { 'Fn::GetAtt': ['Bucket', 'Arnn'] } } },
      },
      'Resources.F.Bucket: Fn::GetAtt: Bucket (AWS::S3::Bucket) has no attribute "Arnn" here; it has Arn, DomainName, RegionalDomainName',
    ],
    [
      'a reference to nothing',
      { B: { Type: 'AWS::S3::Bucket', Properties: { BucketName: { Ref: 'Gone' } } } },
      'Resources.B.BucketName: Ref: there is no parameter or resource "Gone"',
    ],
    [
      'an unknown resource attribute',
      { B: { Type: 'AWS::S3::Bucket', CreationPolicy: {} } },
      'resource B has the unknown attribute "CreationPolicy"',
    ],
    [
      'a reserved variable',
      { Role: role(), F: fn('', { environment: { AWS_REGION: 'x' } }) },
      'Resources.F: Lambda reserves the environment variable AWS_REGION',
    ],
    [
      'an environment above 4 KB',
      { Role: role(), F: fn('', { environment: { A: 'x'.repeat(4096) } }) },
      'Lambda takes 4096',
    ],
    [
      'a managed policy',
      {
        R: {
          Type: 'AWS::IAM::Role',
          Properties: { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] },
        },
      },
      'does not know the managed policy arn:aws:iam::aws:policy/AdministratorAccess',
    ],
    [
      'a Mac of CodeBuild without a fleet',
      {
        Role: role(),
        P: {
          Type: 'AWS::CodeBuild::Project',
          Properties: {
            ServiceRole: { 'Fn::GetAtt': ['Role', 'Arn'] },
            Artifacts: { Type: 'NO_ARTIFACTS' },
            Environment: { Type: 'MAC_ARM', Image: 'i', ComputeType: 'c' },
            Source: { Type: 'NO_SOURCE', BuildSpec: '{}' },
          },
        },
      },
      'Resources.P: CodeBuild has Macs in fleets alone: MAC_ARM needs Fleet',
    ],
    [
      'a rule for events that do not come',
      { R: { Type: 'AWS::Events::Rule', Properties: { EventPattern: { source: ['aws.s3'] }, Targets: [] } } },
      'the local stack has those of the source aws.states only',
    ],
    [
      'a state machine that is no States Language',
      {
        Role: role(),
        M: {
          ...PASS['Machine'],
          Properties: {
            RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
            Definition: { QueryLanguage: 'JSONata', StartAt: 'Gone', States: {} },
          },
        },
      },
      'Resources.M: ',
    ],
  ])('%s', async (_, resources, message) => {
    const folder = await temporaryFolder()
    await expect(startTestStack(resources, { folder })).rejects.toThrow(message)
  })

  test('a machine for a project that is not there', async () => {
    const machine = { name: 'm', wrap: (command: string[]) => command }
    await expect(startTestStack(BUCKET, { machines: { Bulider: machine } })).rejects.toThrow(
      'machines: the template has no CodeBuild project "Bulider"',
    )
  })
})

describe('stack.json', () => {
  test('tells other processes of its owner where the stack is, as long as it runs', async () => {
    const { stack, folder } = await startTestStack(BUCKET, {
      outputs: { Name: { Value: { Ref: 'Bucket' } } },
    })
    const file = join(folder, 'stack.json')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'operator.json'))).mode & 0o777).toBe(0o600)
    const described: unknown = JSON.parse(await readFile(file, 'utf8'))
    expect(described).toEqual({
      version: 1,
      pid: process.pid,
      endpoint: stack.endpoint,
      region: 'us-east-1',
      operator: stack.operator,
      outputs: { Name: 'things' },
      resources: { Bucket: 'things' },
    })
    expect(readStackFile(folder)).toEqual(described)
    await stack.close()
    expect(readStackFile(folder)).toBeUndefined()
  })

  test('secrets are for their owner’s eyes', async () => {
    const { folder } = await startTestStack(SECRET)
    expect((await stat(join(folder, 'secrets.json'))).mode & 0o777).toBe(0o600)
  })
})

test('closing twice is closing once', async () => {
  const { stack } = await startTestStack(BUCKET)
  await Promise.all([stack.close(), stack.close()])
  await stack.close()
  await expect(fetch(stack.endpoint)).rejects.toThrow('fetch failed')
})
