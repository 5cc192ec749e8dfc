import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Stack } from '../../../local/stack/start-stack.ts'
import { allow, fn, importing, role, startTestStack, type Resources } from './test-stack.ts'

const BUCKET: Resources = { Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'things' } } }

function s3As(stack: Stack, roleId?: string, session = 'somebody'): S3Client {
  const credentials = roleId === undefined ? stack.operator : stack.credentialsFor(roleId, session)
  const client = new S3Client({
    endpoint: stack.endpoint,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
  })
  onTestFinished(() => client.destroy())
  return client
}

async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'allowed'
  } catch (error) {
    return error instanceof Error ? error.name : String(error)
  }
}

describe('a function may do what its role says, and nothing else', () => {
  const CODE = `${importing('{ S3Client, PutObjectCommand }', '@aws-sdk/client-s3')}
const s3 = new S3Client({})
export const handler = async ({ key }) => { await s3.send(new PutObjectCommand({ Bucket: 'things', Key: key, Body: 'x' })); return 'written' }`

  test.each<[string, Record<string, unknown>[], string, unknown]>([
    ['with s3:PutObject', [allow('s3:PutObject', 'arn:aws:s3:::things/*')], 'a', 'written'],
    ['without any policy', [], 'a', { errorType: 'AccessDenied' }],
    [
      'with s3:GetObject only',
      [allow('s3:GetObject', 'arn:aws:s3:::things/*')],
      'a',
      { errorType: 'AccessDenied' },
    ],
    [
      'with s3:PutObject below another prefix',
      [allow('s3:PutObject', 'arn:aws:s3:::things/runs/*')],
      'a',
      { errorType: 'AccessDenied' },
    ],
    [
      'with s3:PutObject on its prefix',
      [allow('s3:PutObject', { 'Fn::Sub': 'arn:aws:s3:::things/runs/*' })],
      'runs/a',
      'written',
    ],
  ])('%s', async (_, statements, key, expected) => {
    const { stack } = await startTestStack({ ...BUCKET, Role: role(...statements), F: fn(CODE) })
    const { payload } = await stack.invoke('F', { key })
    const result: unknown = JSON.parse(payload)
    if (typeof expected === 'object' && expected !== null) {
      expect(result).toMatchObject(expected)
      expect(stack.denied).toMatchObject([
        { role: 'Role', action: 's3:PutObject', resource: `arn:aws:s3:::things/${key}` },
      ])
    } else {
      expect(result).toEqual(expected)
      expect(stack.denied).toEqual([])
    }
    expect(stack.calls.get('s3:PutObject')).toBe(1)
  })
})

describe('a builder writes below its own session only, and never over what is there', () => {
  const statements = [
    allow('s3:PutObject', 'arn:aws:s3:::things/staging/${aws:userid}/*', {
      Null: { 's3:if-none-match': 'false' },
    }),
  ]
  test.each<[string, (own: string) => string, { IfNoneMatch?: string }, string]>([
    ['its own prefix', (own) => `staging/${own}/result`, { IfNoneMatch: '*' }, 'allowed'],
    ['its own prefix, without the condition', (own) => `staging/${own}/result`, {}, 'AccessDenied'],
    ['another session’s prefix', (own) => `staging/${own}2/result`, { IfNoneMatch: '*' }, 'AccessDenied'],
    ['outside of staging', () => 'result', { IfNoneMatch: '*' }, 'AccessDenied'],
  ])('%s', async (_, key, condition, expected) => {
    const { stack } = await startTestStack({ ...BUCKET, Builder: role(...statements) })
    const own = `${stack.attribute('Builder', 'RoleId')}:AWSCodeBuild-1`
    const put = new PutObjectCommand({ Bucket: 'things', Key: key(own), Body: 'x', ...condition })
    expect(await outcome(s3As(stack, 'Builder', 'AWSCodeBuild-1').send(put))).toBe(expected)
  })
})

const policy = (...Statement: unknown[]): Resources => ({
  Policy: {
    Type: 'AWS::S3::BucketPolicy',
    Properties: { Bucket: { Ref: 'Bucket' }, PolicyDocument: { Version: '2012-10-17', Statement } },
  },
})
const statement = (effect: string, principal: unknown, more: object = {}): unknown => ({
  Effect: effect,
  Action: 's3:PutObject',
  Resource: 'arn:aws:s3:::things/*',
  ...(principal === undefined ? {} : { Principal: principal }),
  ...more,
})

describe('a bucket policy counts as well', () => {
  const writer = { 'Fn::GetAtt': ['Writer', 'Arn'] }
  const may = [allow('s3:PutObject', 'arn:aws:s3:::things/*')]

  test.each<[string, Record<string, unknown>[], Resources, string]>([
    ['no policy, the role may', may, {}, 'allowed'],
    ['it denies everybody', may, policy(statement('Deny', '*')), 'AccessDenied'],
    ['it denies this role', may, policy(statement('Deny', { AWS: writer })), 'AccessDenied'],
    [
      'it denies another role',
      may,
      policy(statement('Deny', { AWS: { 'Fn::GetAtt': ['Other', 'Arn'] } })),
      'allowed',
    ],
    [
      'it denies everybody but this role',
      may,
      policy(statement('Deny', undefined, { NotPrincipal: { AWS: writer } })),
      'allowed',
    ],
    [
      'it denies everybody but another role',
      may,
      policy(statement('Deny', undefined, { NotPrincipal: { AWS: { 'Fn::GetAtt': ['Other', 'Arn'] } } })),
      'AccessDenied',
    ],
    [
      'it denies by ARN, everybody but this role',
      may,
      policy(statement('Deny', '*', { Condition: { ArnNotEquals: { 'aws:PrincipalArn': writer } } })),
      'allowed',
    ],
    [
      'it denies the account',
      may,
      policy(statement('Deny', { AWS: 'arn:aws:iam::123456789012:root' })),
      'AccessDenied',
    ],
    [
      'it denies what comes without TLS',
      may,
      policy(statement('Deny', '*', { Condition: { Bool: { 'aws:SecureTransport': 'false' } } })),
      'allowed',
    ],
    [
      'it allows this role, which itself may nothing',
      [],
      policy(statement('Allow', { AWS: writer })),
      'allowed',
    ],
    [
      'it allows the account, and the role itself may nothing',
      [],
      policy(statement('Allow', { AWS: '123456789012' })),
      'AccessDenied',
    ],
    [
      'it allows a service',
      [],
      policy(statement('Allow', { Service: 'lambda.amazonaws.com' })),
      'AccessDenied',
    ],
  ])('%s', async (_, statements, resources, expected) => {
    const { stack } = await startTestStack({
      ...BUCKET,
      Writer: role(...statements),
      Other: role(),
      ...resources,
    })
    const put = new PutObjectCommand({ Bucket: 'things', Key: 'a', Body: 'x' })
    expect(await outcome(s3As(stack, 'Writer').send(put))).toBe(expected)
  })

  test('the operator is an administrator, and no more', async () => {
    const { stack } = await startTestStack({ ...BUCKET, ...policy(statement('Deny', '*')) })
    const s3 = s3As(stack)
    expect(await outcome(s3.send(new PutObjectCommand({ Bucket: 'things', Key: 'a', Body: 'x' })))).toBe(
      'AccessDenied',
    )
    expect(await outcome(s3.send(new GetObjectCommand({ Bucket: 'things', Key: 'a' })))).toBe('NoSuchKey')
    expect(stack.denied).toMatchObject([{ role: 'operator', action: 's3:PutObject' }])
  })
})

test('a missing key is 403 to whoever may not list the bucket, and nobody is denied by that', async () => {
  const { stack } = await startTestStack({
    ...BUCKET,
    Blind: role(allow('s3:GetObject', 'arn:aws:s3:::things/*')),
    Reader: role(
      allow('s3:GetObject', 'arn:aws:s3:::things/*'),
      allow('s3:ListBucket', 'arn:aws:s3:::things'),
    ),
  })
  const get = (roleId: string): Promise<string> =>
    outcome(s3As(stack, roleId).send(new GetObjectCommand({ Bucket: 'things', Key: 'gone' })))
  expect([await get('Blind'), await get('Reader')]).toEqual(['AccessDenied', 'NoSuchKey'])
})

test('a secret is for its reader', async () => {
  const { stack } = await startTestStack({
    Key: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'key', SecretString: 's3cret' } },
    Publish: role(allow('secretsmanager:GetSecretValue', { Ref: 'Key' })),
    Plan: role(allow('s3:GetObject', '*')),
  })
  const read = (roleId: string): Promise<string> => {
    const client = new SecretsManagerClient({
      endpoint: stack.endpoint,
      region: 'us-east-1',
      credentials: stack.credentialsFor(roleId, roleId),
    })
    onTestFinished(() => client.destroy())
    return outcome(client.send(new GetSecretValueCommand({ SecretId: 'key' })))
  }
  expect([await read('Publish'), await read('Plan')]).toEqual(['allowed', 'AccessDeniedException'])
})

describe('a policy that IAM would refuse is refused at deployment', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['an unknown operator', allow('s3:GetObject', '*', { StringMatches: { a: 'b' } }), 'StringMatches'],
    ['a misspelt field', { Effect: 'Allow', Actions: 's3:GetObject', Resource: '*' }, 'Actions'],
    ['a principal', { ...allow('s3:GetObject', '*'), Principal: '*' }, 'Principal'],
  ])('%s', async (_, statement, message) => {
    await expect(startTestStack({ Role: role(statement) })).rejects.toThrow(
      /^Resources\.Role, policy inline: /,
    )
    await expect(startTestStack({ Role: role(statement) })).rejects.toThrow(message)
  })
})
