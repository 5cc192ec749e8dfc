import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client, ListBucketsCommand, PutObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { SFNClient, ListStateMachinesCommand } from '@aws-sdk/client-sfn'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Credentials } from '../../../local/gateway/credentials.ts'
import { role, startTestStack } from '../stack/test-stack.ts'
import { signedRequest } from './signed-request.ts'

const ROLE = { Role: role() }

const forged = (credentials: Credentials): Credentials => ({ ...credentials, secretAccessKey: 'guessed' })
const unknown = (credentials: Credentials): Credentials => ({
  ...credentials,
  accessKeyId: 'AKIAUNKNOWNUNKNOWNUN',
})
const withoutToken = ({ accessKeyId, secretAccessKey }: Credentials): Credentials => ({
  accessKeyId,
  secretAccessKey,
})

describe('who asks is proved by a signature', () => {
  test.each<[string, (credentials: Credentials) => Credentials, string, string]>([
    ['another secret', forged, 'SignatureDoesNotMatch', 'InvalidSignatureException'],
    ['an unknown key', unknown, 'InvalidAccessKeyId', 'UnrecognizedClientException'],
    ['a role’s key without its token', withoutToken, 'InvalidToken', 'UnrecognizedClientException'],
  ])('%s', async (_, change, s3Error, jsonError) => {
    const { stack } = await startTestStack(ROLE)
    const credentials = change(stack.credentialsFor('Role', 'session'))
    const config = { endpoint: stack.endpoint, region: 'us-east-1', credentials, forcePathStyle: true }
    const s3 = new S3Client(config)
    const sfn = new SFNClient(config)
    onTestFinished(() => [s3, sfn].forEach((client) => client.destroy()))
    await expect(s3.send(new ListBucketsCommand({}))).rejects.toMatchObject({ name: s3Error })
    await expect(sfn.send(new ListStateMachinesCommand({}))).rejects.toMatchObject({ name: jsonError })
    // nobody was denied: nobody was known
    expect(stack.denied).toEqual([])
  })

  test('a body that was changed after it was signed', async () => {
    const { stack } = await startTestStack(ROLE)
    const call = (body?: string): Promise<{ status: number; body: unknown }> =>
      signedRequest(
        stack.endpoint,
        stack.operator,
        'secretsmanager',
        'secretsmanager.DescribeSecret',
        { SecretId: 'a' },
        body === undefined ? {} : { body },
      )
    expect(await call()).toMatchObject({ status: 400, body: { __type: 'ResourceNotFoundException' } })
    expect(await call('{"SecretId":"b"}')).toMatchObject({
      status: 403,
      body: { __type: 'InvalidSignatureException' },
    })
  })
})

describe('AccessDenied comes in the service’s own form', () => {
  test('S3, XML', async () => {
    const { stack } = await startTestStack(ROLE)
    const s3 = new S3Client({
      endpoint: stack.endpoint,
      region: 'us-east-1',
      credentials: stack.credentialsFor('Role', 'me'),
      forcePathStyle: true,
    })
    onTestFinished(() => s3.destroy())
    await expect(s3.send(new ListBucketsCommand({}))).rejects.toMatchObject({
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
      message: expect.stringContaining(
        `assumed-role/${stack.physicalId('Role')}/me is not authorized to perform: s3:ListAllMyBuckets`,
      ),
    })
    expect(stack.denied).toMatchObject([{ role: 'Role', action: 's3:ListAllMyBuckets', resource: '*' }])
  })

  test('Lambda and Step Functions, JSON', async () => {
    const { stack } = await startTestStack(ROLE)
    const config = {
      endpoint: stack.endpoint,
      region: 'us-east-1',
      credentials: stack.credentialsFor('Role', 'me'),
    }
    const [lambda, sfn] = [new LambdaClient(config), new SFNClient(config)]
    onTestFinished(() => [lambda, sfn].forEach((client) => client.destroy()))
    await expect(lambda.send(new InvokeCommand({ FunctionName: 'f' }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    })
    await expect(sfn.send(new ListStateMachinesCommand({}))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    })
  })
})

describe('what is not there', () => {
  test('a service', async () => {
    const { stack } = await startTestStack(ROLE)
    const answer = await signedRequest(
      stack.endpoint,
      stack.operator,
      'dynamodb',
      'DynamoDB_20120810.ListTables',
      {},
    )
    expect(answer).toEqual({
      status: 400,
      body: {
        __type: 'UnknownOperationException',
        message: expect.stringMatching(/^the local stack has no service "dynamodb"; it has s3, /),
      },
    })
  })

  test('an action, and a field of one', async () => {
    const { stack } = await startTestStack(ROLE)
    const call = (target: string, input: unknown): Promise<unknown> =>
      signedRequest(stack.endpoint, stack.operator, 'secretsmanager', target, input)
    expect(await call('secretsmanager.RotateSecret', {})).toMatchObject({
      status: 400,
      body: { __type: 'UnknownOperationException' },
    })
    expect(await call('secretsmanager.GetSecretValue', { SecretId: 'a', Versions: 1 })).toMatchObject({
      body: { __type: 'ValidationException', message: 'the local GetSecretValue does not know Versions' },
    })
  })
})

describe('without a signature', () => {
  test.each([
    ['an object', '/things/a', 403],
    ['an API that is not there', '/_api/nothing/x', 404],
    ['an answer that nobody waits for', '/_cloudformation/x', 403],
  ])('%s', async (_, path, status) => {
    const { stack } = await startTestStack({
      Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'things' } },
    })
    expect((await fetch(stack.endpoint + path)).status).toBe(status)
  })

  test('a bucket that is open to be read, and to nothing else', async () => {
    const { stack } = await startTestStack(
      { Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'things' } } },
      { anonymousRead: ['things'] },
    )
    const s3 = new S3Client({
      endpoint: stack.endpoint,
      region: 'us-east-1',
      credentials: stack.operator,
      forcePathStyle: true,
    })
    onTestFinished(() => s3.destroy())
    await s3.send(new PutObjectCommand({ Bucket: 'things', Key: 'a', Body: 'hello' }))
    expect(await (await fetch(`${stack.endpoint}/things/a`)).text()).toBe('hello')
    expect((await fetch(`${stack.endpoint}/things/b`, { method: 'PUT', body: 'x' })).status).toBe(403)
  })
})

test('STS says who one is', async () => {
  const { stack } = await startTestStack(ROLE)
  const identity = async (credentials: Credentials): Promise<unknown> => {
    const sts = new STSClient({ endpoint: stack.endpoint, region: 'us-east-1', credentials })
    onTestFinished(() => sts.destroy())
    const { Arn, UserId, Account } = await sts.send(new GetCallerIdentityCommand({}))
    return { Arn, UserId, Account }
  }
  expect(await identity(stack.operator)).toMatchObject({ Arn: 'arn:aws:iam::123456789012:user/operator' })
  const id = stack.attribute('Role', 'RoleId')
  expect(id).toMatch(/^AROA[A-Z2-7]{17}$/)
  expect(await identity(stack.credentialsFor('Role', 'AWSCodeBuild-1'))).toEqual({
    Arn: `arn:aws:sts::123456789012:assumed-role/${stack.physicalId('Role')}/AWSCodeBuild-1`,
    UserId: `${id}:AWSCodeBuild-1`,
    Account: '123456789012',
  })
})

test('a secret has a current and a previous version', async () => {
  const { stack } = await startTestStack(ROLE)
  const client = new SecretsManagerClient({
    endpoint: stack.endpoint,
    region: 'us-east-1',
    credentials: stack.operator,
  })
  onTestFinished(() => client.destroy())
  const read = async (VersionStage?: string): Promise<string | undefined> =>
    (
      await client.send(
        new GetSecretValueCommand({
          SecretId: 'a/b',
          ...(VersionStage === undefined ? {} : { VersionStage }),
        }),
      )
    ).SecretString
  const { ARN = '' } = await client.send(
    new CreateSecretCommand({ Name: 'a/b', SecretString: 'one', Description: 'd' }),
  )
  expect(ARN).toMatch(/^arn:aws:secretsmanager:us-east-1:123456789012:secret:a\/b-[A-Za-z0-9]{6}$/)
  await expect(read('AWSPREVIOUS')).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  await client.send(new PutSecretValueCommand({ SecretId: ARN, SecretString: 'two' }))
  await client.send(new PutSecretValueCommand({ SecretId: 'a/b', SecretString: 'three' }))
  expect([await read(), await read('AWSPREVIOUS')]).toEqual(['three', 'two'])
  const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId: 'a/b' }))
  expect(Object.values(VersionIdsToStages).flat().sort()).toEqual(['AWSCURRENT', 'AWSPREVIOUS'])
  await expect(client.send(new CreateSecretCommand({ Name: 'a/b' }))).rejects.toMatchObject({
    name: 'ResourceExistsException',
  })
})

test('a large object passes untouched', async () => {
  const { stack } = await startTestStack({
    Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'things' } },
  })
  const s3 = new S3Client({
    endpoint: stack.endpoint,
    region: 'us-east-1',
    credentials: stack.operator,
    forcePathStyle: true,
  })
  onTestFinished(() => s3.destroy())
  // larger than what the gateway would hold for any other service
  const Body = Buffer.alloc(17 << 20, 'abc')
  await s3.send(new PutObjectCommand({ Bucket: 'things', Key: 'big', Body }))
  const { Body: stored } = await s3.send(new GetObjectCommand({ Bucket: 'things', Key: 'big' }))
  expect(Buffer.compare(Buffer.from((await stored?.transformToByteArray()) ?? []), Body)).toBe(0)
})
