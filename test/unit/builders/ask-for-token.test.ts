import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { mockClient } from 'aws-sdk-client-mock'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { askForToken } from '../../../builders/evaluation/ask-for-token.ts'
import { payloadOf } from '../functions/lambda.ts'

const lambda = mockClient(LambdaClient)
const s3 = mockClient(S3Client)
const desk = {
  lambda: new LambdaClient({}),
  functionName: 'evaluation-token',
  build: 'hearth-prod-evaluator:1',
  staging: { s3: new S3Client({}), bucket: 'staging', prefix: 'staging/AROA:AWSCodeBuild-1/' },
}
const ANSWER = { token: 'ghs_1', isApp: true, repositories: ['acme/shells'], unreachable: [] }
const failure = (errorType: string) => ({
  FunctionError: 'Unhandled',
  Payload: payloadOf({ errorType, errorMessage: 'in its words' }),
})

beforeEach(() => {
  s3.on(PutObjectCommand).resolves({})
})
afterEach(() => {
  lambda.reset()
  s3.reset()
})

/** How long it paused, in seconds, and what came of it. */
async function ask(): Promise<{ pauses: number[]; outcome: unknown }> {
  const pauses: number[] = []
  const outcome = await askForToken(desk, async (milliseconds) => pauses.push(milliseconds / 1000)).catch(
    (error: unknown) => error,
  )
  return { pauses, outcome }
}

describe('an evaluator asks for its token', () => {
  test('with the name of an object that it has just created', async () => {
    lambda.on(InvokeCommand).resolves({ Payload: payloadOf(ANSWER) })
    expect(await ask()).toEqual({ pauses: [], outcome: ANSWER })
    const [put] = s3.commandCalls(PutObjectCommand)
    const [invoke] = lambda.commandCalls(InvokeCommand)
    const payload = invoke?.args[0].input.Payload
    const request = JSON.parse(typeof payload === 'string' ? payload : '') as {
      build: string
      nonce: string
    }
    expect(request).toEqual({ build: desk.build, nonce: expect.stringMatching(/^[0-9a-f]{32}$/) as string })
    expect(put?.args[0].input).toMatchObject({
      Bucket: 'staging',
      Key: `staging/AROA:AWSCodeBuild-1/token/${request.nonce}`,
      IfNoneMatch: '*',
    })
  })
  test.each(['GitHubUnavailable', 'AwsUnavailable'])(
    'again after %s, each time under another name',
    async (passing) => {
      lambda
        .on(InvokeCommand)
        .resolvesOnce(failure(passing))
        .resolvesOnce(failure(passing))
        .resolves({ Payload: payloadOf(ANSWER) })
      expect(await ask()).toEqual({ pauses: [5, 20], outcome: ANSWER })
      const names = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input.Key)
      expect(new Set(names).size).toBe(3)
    },
  )
  test('and gives up when GitHub stays away: another evaluation may get further', async () => {
    lambda.on(InvokeCommand).resolves(failure('GitHubUnavailable'))
    const { outcome } = await ask()
    expect(outcome).toMatchObject({ name: 'SourceUnavailable', retryable: true })
  })
  test.each(['AppNotInstalled', 'NotConfigured', 'InvalidGitHubCredentials'])(
    'and goes on without one after %s, with the reason',
    async (name) => {
      lambda.on(InvokeCommand).resolves(failure(name))
      expect(await ask()).toMatchObject({ pauses: [], outcome: { why: 'in its words' } })
    },
  )
})
