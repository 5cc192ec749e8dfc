import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Credentials } from '../../../local/gateway/credentials.ts'
import { REGION } from '../../../local/gateway/service.ts'
import { type Stack, startStack } from '../../../local/stack/start-stack.ts'

/** The packaged template itself: every role that it has is asked. */

const TEMPLATE = '.serverless/cloudformation-template-update-stack.json'
const { Resources } = JSON.parse(readFileSync(TEMPLATE, 'utf8')) as {
  Resources: Record<string, { Type: string }>
}
const ROLES = Object.entries(Resources).flatMap(([id, { Type }]) => (Type === 'AWS::IAM::Role' ? [id] : []))

let folder: string
let stack: Stack
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-keys-'))
  stack = await startStack({ folder, template: TEMPLATE })
})
afterAll(async () => {
  await stack.close()
  await rm(folder, { recursive: true, force: true })
})

interface Question {
  /** as a role of the template, or as the operator, who is an administrator */
  ask: (clients: Clients) => Promise<unknown>
  may: string[]
}
interface Clients {
  s3: S3Client
  secrets: SecretsManagerClient
  lambda: LambdaClient
}

const secret = (): { SecretId: string } => ({ SecretId: stack.physicalId('SigningKey') })
const put = (bucket: string, key: string) => (clients: Clients) =>
  clients.s3.send(
    new PutObjectCommand({ Bucket: stack.physicalId(bucket), Key: key, Body: 'x', IfNoneMatch: '*' }),
  )

const dryRun = (name: string) => (clients: Clients) =>
  clients.lambda.send(new InvokeCommand({ FunctionName: stack.physicalId(name), InvocationType: 'DryRun' }))

const QUESTIONS: Record<string, Question> = {
  'reads a signing key': {
    ask: ({ secrets }) => secrets.send(new GetSecretValueCommand(secret())),
    may: ['PublishRole'],
  },
  'puts a signing key there': {
    ask: ({ secrets }) =>
      secrets.send(new PutSecretValueCommand({ ...secret(), SecretString: '{"keys": []}' })),
    may: ['PublishRole'],
  },
  'says which keys are ours': {
    ask: put('StateBucket', 'signing-keys.json'),
    may: ['PublishRole', 'operator'],
  },
  'says that the cache is re-signed': {
    ask: put('StateBucket', 'resigning.json'),
    may: ['PublishRole', 'operator'],
  },
  'writes a narinfo': {
    ask: put('CacheBucket', '0c6kzph7l0dcbfmjap64f0czdafn3b7x.narinfo'),
    may: ['PublishRole', 'operator'],
  },
  'says when GitHub may be called again': {
    ask: put('StateBucket', 'github/pace/acme/shells.json'),
    may: ['ReportRole', 'operator'],
  },
  'says what the cache holds': {
    ask: put('StateBucket', 'index/held/0.zst'),
    may: ['PlanRole', 'PublishRole', 'operator'],
  },
  'says where paths are, and how large': {
    ask: put('StateBucket', 'path-facts/0.json.zst'),
    may: ['RecordRole', 'operator'],
  },
  'reads the credentials for GitHub': {
    ask: ({ secrets }) =>
      secrets.send(new GetSecretValueCommand({ SecretId: stack.physicalId('GitHubCredentials') })),
    may: ['TokenRole', 'EvaluationTokenRole'],
  },
  'puts credentials for GitHub there': {
    ask: ({ secrets }) =>
      secrets.send(
        new PutSecretValueCommand({ SecretId: stack.physicalId('GitHubCredentials'), SecretString: '{}' }),
      ),
    may: ['operator'],
  },
  'has a token for the pipeline made': {
    ask: dryRun('TokenLambdaFunction'),
    may: ['ResolveRole', 'ScheduleRole', 'ReportRole', 'operator'],
  },
  'has a token for an evaluator made': {
    ask: dryRun('EvaluationTokenLambdaFunction'),
    may: ['EvaluatorRole', 'operator'],
  },
  'has Publish do something': {
    ask: dryRun('PublishLambdaFunction'),
    may: ['WarmRole', 'LaneRole', 'KeysRole', 'RepairRole', 'IndexRole', 'operator'],
  },
}

async function answer(ask: Question['ask'], credentials: Credentials): Promise<boolean> {
  const config = { endpoint: stack.endpoint, region: REGION, credentials }
  const clients = {
    s3: new S3Client({ ...config, forcePathStyle: true }),
    secrets: new SecretsManagerClient(config),
    lambda: new LambdaClient(config),
  }
  try {
    await ask(clients)
    return true
  } catch (error) {
    if (!(error instanceof Error)) throw error
    if (error.name === 'AccessDenied' || error.name === 'AccessDeniedException') return false
    // allowed, and another one was first
    if (error.name === 'PreconditionFailed') return true
    throw error
  } finally {
    for (const client of Object.values(clients)) client.destroy()
  }
}

test('the template has roles to ask', () => {
  expect(ROLES).toEqual(expect.arrayContaining(['PublishRole', 'BuilderRole', 'PlanRole', 'ReaderRole']))
  expect(ROLES.length).toBeGreaterThanOrEqual(12)
})

describe.each(Object.entries(QUESTIONS))('who %s', (_, { ask, may }) => {
  test.each([...ROLES, 'operator'])('%s', async (who) => {
    const credentials = who === 'operator' ? stack.operator : stack.credentialsFor(who, 'somebody')
    expect(await answer(ask, credentials)).toBe(may.includes(who))
  })
})
