import { randomBytes, randomUUID } from 'node:crypto'
import { CodeBuildClient, StartBuildCommand, StopBuildCommand } from '@aws-sdk/client-codebuild'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { beforeAll, describe, expect, test } from 'vitest'
import { proveEvaluator } from '../../functions/evaluation-token/prove-evaluator.ts'
import { storedConfig } from '../../functions/shared/config.ts'
import { stagedKeys, stagingPrefixOfBuild } from '../../functions/shared/keys.ts'
import type { Config } from '../../functions/shared/parse-config.ts'
import { CONFIG } from '../unit/functions/resolve/config.ts'
import { answerTo, clientAs, deployedForThisFile, s3As } from './deployed.ts'

/*
 * The attacker has the credentials of one build: of an evaluator's that evaluates acme/shells, mostly. He wants a token of GitHub that he must not have. The
 * function is the packaged one, builds are CodeBuild's on this machine, and the template's policies are enforced on every call.
 */
const idle = { name: 'idle', wrap: () => ['sleep', '600'], places: 20 }
const deployed = deployedForThisFile({}, { Evaluator: idle, LinuxX64Builder: idle })

const [shells] = CONFIG.repositories
if (shells === undefined) throw new Error('the configuration of these tests has a repository')
const CONFIGURED: Config = {
  ...CONFIG,
  repositories: [
    { ...shells, privateInputs: ['acme/lib'] },
    { ...shells, name: 'acme/site' },
  ],
}
const TOKEN = 'ghp_of-the-company'

const nonceOf = (): string => randomBytes(16).toString('hex')
const session = (build: string): string => `AWSCodeBuild-${build.split(':')[1]}`
const roleId = (): string => deployed.stack.attribute('EvaluatorRole', 'RoleId')

async function putState(key: string, content: object): Promise<void> {
  const s3 = s3As(deployed)
  const Bucket = deployed.stack.physicalId('StateBucket')
  await s3.send(new PutObjectCommand({ Bucket, Key: key, Body: JSON.stringify(content) }))
  s3.destroy()
}

const configure = (config: Config): Promise<void> => putState('config/current.json', storedConfig(config))

async function startBuild(project: string, job?: string): Promise<string> {
  const codebuild = new CodeBuildClient(clientAs(deployed))
  const { build } = await codebuild.send(
    new StartBuildCommand({
      projectName: deployed.stack.physicalId(project),
      ...(job === undefined
        ? {}
        : { environmentVariablesOverride: [{ name: 'HEARTH_JOB', value: job, type: 'PLAINTEXT' }] }),
    }),
  )
  codebuild.destroy()
  if (build?.id === undefined) throw new Error('CodeBuild started no build')
  return build.id
}

/** A build that evaluates a repository, for a run of its own. */
async function evaluatorOf(repository: string, more: object = {}): Promise<string> {
  const run = `push-${randomUUID()}`
  await putState(`runs/${run}/job.json`, { kind: 'evaluate', run, target: { repository }, ...more })
  return startBuild('Evaluator', `runs/${run}/job.json`)
}

/** What a build's own credentials can stage. */
async function prove(build: string, nonce: string, role = 'EvaluatorRole'): Promise<void> {
  const s3 = s3As(deployed, role, session(build))
  const Key = stagedKeys.tokenRequest(stagingPrefixOfBuild(roleId(), build), nonce)
  const Bucket = deployed.stack.physicalId('StagingBucket')
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', IfNoneMatch: '*' }))
  s3.destroy()
}

/** The answer, or the name of the error that the function gives instead. */
async function ask(asker: string, request: object): Promise<unknown> {
  const lambda = new LambdaClient(clientAs(deployed, 'EvaluatorRole', session(asker)))
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({
      FunctionName: deployed.stack.physicalId('EvaluationTokenLambdaFunction'),
      Payload: JSON.stringify(request),
    }),
  )
  lambda.destroy()
  const answer = JSON.parse(Payload?.transformToString() ?? 'null') as { errorType?: string }
  return FunctionError === undefined ? answer : answer.errorType
}

beforeAll(async () => {
  const secrets = new SecretsManagerClient(clientAs(deployed))
  const SecretId = deployed.stack.physicalId('GitHubCredentials')
  await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify({ token: TOKEN }) }))
  secrets.destroy()
  await configure(CONFIGURED)
})

describe('an evaluator is given a token for its own run', () => {
  const OWN = { token: TOKEN, isApp: false, repositories: ['acme/shells', 'acme/lib'], unreachable: [] }

  test('for its target and the private inputs of hearth.yml', async () => {
    const build = await evaluatorOf('acme/shells')
    const nonce = nonceOf()
    await prove(build, nonce)
    expect(await ask(build, { build, nonce })).toEqual(OWN)
  })
  test('whatever else it asks for', async () => {
    const build = await evaluatorOf('acme/shells', { privateInputs: ['acme/payroll'] })
    const nonce = nonceOf()
    await prove(build, nonce)
    const wish = { repository: 'acme/site', privateInputs: ['acme/payroll'], job: 'runs/r/job.json' }
    expect(await ask(build, { build, nonce, ...wish })).toEqual(OWN)
  })
  test('and another one, with another nonce', async () => {
    const build = await evaluatorOf('acme/shells')
    for (const nonce of [nonceOf(), nonceOf()]) {
      await prove(build, nonce)
      expect(await ask(build, { build, nonce })).toEqual(OWN)
    }
  })
})

describe('an evaluator is given no token', () => {
  test('that names another build, with a nonce of its own', async () => {
    const [build, victim] = [await evaluatorOf('acme/shells'), await evaluatorOf('acme/site')]
    const nonce = nonceOf()
    await prove(build, nonce)
    expect(await ask(build, { build: victim, nonce })).toBe('EvaluatorNotProved')
  })
  test('that stages the proof of another build', async () => {
    const [build, victim] = [await evaluatorOf('acme/shells'), await evaluatorOf('acme/site')]
    const s3 = s3As(deployed, 'EvaluatorRole', session(build))
    const Key = stagedKeys.tokenRequest(stagingPrefixOfBuild(roleId(), victim), nonceOf())
    const Bucket = deployed.stack.physicalId('StagingBucket')
    expect(await answerTo(s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', IfNoneMatch: '*' })))).toBe(
      'denied',
    )
    s3.destroy()
  })
  test('that names another build, with a nonce which that one has used', async () => {
    const [build, victim] = [await evaluatorOf('acme/shells'), await evaluatorOf('acme/site')]
    const nonce = nonceOf()
    await prove(victim, nonce)
    await ask(victim, { build: victim, nonce })
    expect(await ask(build, { build: victim, nonce })).toBe('NonceUsed')
  })
  test('that names a nonce twice, or ten times at once', async () => {
    const build = await evaluatorOf('acme/shells')
    const nonce = nonceOf()
    await prove(build, nonce)
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(build, { build, nonce })))
    expect(answers.filter((answer) => answer === 'NonceUsed')).toHaveLength(9)
    expect(await ask(build, { build, nonce })).toBe('NonceUsed')
  })
  test('that names an old nonce', async () => {
    const build = await evaluatorOf('acme/shells')
    const nonce = nonceOf()
    await prove(build, nonce)
    const s3 = s3As(deployed, 'EvaluationTokenRole')
    const bucket = { s3, name: deployed.stack.physicalId('StagingBucket') }
    const identity = { roleId: roleId(), project: deployed.stack.physicalId('Evaluator') }
    const minutesLater = (minutes: number) =>
      proveEvaluator(bucket, identity, { build, nonce }, () => Date.now() + minutes * 60_000)
    await expect(minutesLater(4)).resolves.toBeUndefined()
    await expect(minutesLater(6)).rejects.toThrow('a fresh one is needed for every token')
    s3.destroy()
  })
  test('that has ended', async () => {
    const build = await evaluatorOf('acme/shells')
    const nonce = nonceOf()
    await prove(build, nonce)
    const codebuild = new CodeBuildClient(clientAs(deployed))
    await codebuild.send(new StopBuildCommand({ id: build }))
    codebuild.destroy()
    expect(await ask(build, { build, nonce })).toBe('NoEvaluation')
  })
  test('that nobody gave a job', async () => {
    const build = await startBuild('Evaluator')
    const nonce = nonceOf()
    await prove(build, nonce)
    expect(await ask(build, { build, nonce })).toBe('NoEvaluation')
  })
  test.each([
    ['another file of the state', 'config/current.json'],
    ['a batch of a builder', 'runs/r/batches/1.json'],
    ['the job of a run under the name of another', 'runs/other/job.json'],
  ])('that was started with %s for its job', async (_, job) => {
    await putState('runs/other/job.json', {
      kind: 'evaluate',
      run: 'the-true-run',
      target: { repository: 'acme/shells' },
    })
    const build = await startBuild('Evaluator', job)
    const nonce = nonceOf()
    await prove(build, nonce)
    expect(await ask(build, { build, nonce })).toBe('NoEvaluation')
  })
  test('whose repository has been taken out of hearth.yml', async () => {
    const build = await evaluatorOf('acme/gone')
    const nonce = nonceOf()
    await prove(build, nonce)
    expect(await ask(build, { build, nonce })).toBe('NotConfigured')
  })
  test.each([
    ['a nonce that can be guessed', { nonce: '1' }],
    ['a nonce that climbs out of its prefix', { nonce: '../evaluation.json' }],
    ['a build that is a path', { build: 'hearth-prod-evaluator:../x' }],
  ])('that names %s', async (_, wrong) => {
    const build = await evaluatorOf('acme/shells')
    expect(await ask(build, { build, nonce: nonceOf(), ...wrong })).toBe('InvalidInput')
  })
})

describe('a builder is given no token', () => {
  test('because it may not ask', async () => {
    const lambda = new LambdaClient(clientAs(deployed, 'BuilderRole', 'AWSCodeBuild-1'))
    for (const name of ['EvaluationTokenLambdaFunction', 'TokenLambdaFunction'])
      expect(
        await answerTo(
          lambda.send(new InvokeCommand({ FunctionName: deployed.stack.physicalId(name), Payload: '{}' })),
        ),
      ).toBe('denied')
    lambda.destroy()
  })
  test('although its build is in progress, and somebody asks in its name', async () => {
    const build = await startBuild('LinuxX64Builder', 'runs/r/job.json')
    expect(await ask(build, { build, nonce: nonceOf() })).toBe('EvaluatorNotProved')
  })
})

describe('there is no other way to a token', () => {
  test('an evaluator may not ask the function that makes tokens for the pipeline', async () => {
    const lambda = new LambdaClient(clientAs(deployed, 'EvaluatorRole', 'AWSCodeBuild-1'))
    const FunctionName = deployed.stack.physicalId('TokenLambdaFunction')
    expect(await answerTo(lambda.send(new InvokeCommand({ FunctionName, Payload: '{}' })))).toBe('denied')
    lambda.destroy()
  })
  test.each([
    ['TokenRole', 'done'],
    ['EvaluationTokenRole', 'done'],
    ['EvaluatorRole', 'denied'],
    ['BuilderRole', 'denied'],
    ['ResolveRole', 'denied'],
    ['ReportRole', 'denied'],
    ['PublishRole', 'denied'],
    [undefined, 'denied'],
  ])('reading the credentials as %s (undefined: an administrator): %s', async (role, expected) => {
    const secrets = new SecretsManagerClient(clientAs(deployed, role))
    const SecretId = deployed.stack.physicalId('GitHubCredentials')
    expect(await answerTo(secrets.send(new GetSecretValueCommand({ SecretId })))).toBe(expected)
    secrets.destroy()
  })
  test.each([
    ['what an evaluator found', 'evaluation.json'],
    ['the archive of its sources', 'archive.zst'],
  ])('the function that gives tokens reads nothing of %s', async (_, name) => {
    const build = await evaluatorOf('acme/shells')
    const s3 = s3As(deployed, 'EvaluationTokenRole')
    const Key = stagingPrefixOfBuild(roleId(), build) + name
    const Bucket = deployed.stack.physicalId('StagingBucket')
    expect(await answerTo(s3.send(new GetObjectCommand({ Bucket, Key })))).toBe('denied')
    s3.destroy()
  })
})
