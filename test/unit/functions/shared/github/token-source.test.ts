import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { mockClient } from 'aws-sdk-client-mock'
import { beforeEach, describe, expect, test } from 'vitest'
import { tokenSource } from '../../../../../functions/shared/github/token-source.ts'
import { voiceFor } from '../../../../../functions/shared/github/voice.ts'
import { serve } from '../../http-server.ts'
import { payloadOf } from '../../lambda.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')
const REQUEST = { kind: 'contents', repository: 'acme/shells' } as const
const lambda = mockClient(LambdaClient)
let now = NOW
let minted = 0

beforeEach(() => {
  now = NOW
  minted = 0
  lambda.reset()
  lambda.on(InvokeCommand).callsFake(() => ({
    Payload: payloadOf({
      token: `token-${++minted}`,
      expires: new Date(now + 3_600_000).toISOString(),
      isApp: true,
    }),
  }))
})
const source = () => tokenSource(new LambdaClient({}), 'token', () => now)

describe('a token', () => {
  test('is asked for once, of the function, for one repository and one purpose', async () => {
    const tokens = source()
    expect((await tokens.ask(REQUEST)).token).toBe('token-1')
    expect((await tokens.ask(REQUEST)).token).toBe('token-1')
    expect((await tokens.ask({ ...REQUEST, kind: 'report' })).token).toBe('token-2')
    expect((await tokens.ask({ ...REQUEST, repository: 'acme/tools' })).token).toBe('token-3')
    const asked = lambda.commandCalls(InvokeCommand).map(({ args: [{ input }] }) => input)
    expect(asked[0]).toEqual({ FunctionName: 'token', Payload: JSON.stringify(REQUEST) })
    expect(asked).toHaveLength(3)
  })

  test.each([
    [49, 'token-1'],
    [51, 'token-2'],
  ])('that is %i of its 60 minutes old is %s', async (minutes, expected) => {
    const tokens = source()
    await tokens.ask(REQUEST)
    now += minutes * 60_000
    expect((await tokens.ask(REQUEST)).token).toBe(expected)
  })

  test('that is not there is asked for again: somebody may have given Hearth credentials', async () => {
    lambda
      .on(InvokeCommand)
      .resolvesOnce({ Payload: payloadOf({ isApp: false }) })
      .resolves({ Payload: payloadOf({ token: 'token', isApp: true }) })
    const tokens = source()
    expect(await tokens.ask(REQUEST)).toEqual({ isApp: false })
    expect((await tokens.ask(REQUEST)).isApp).toBe(true)
  })

  test.each([
    ['AppNotInstalled', 'NoToken', false],
    ['GitHubUnavailable', 'GitHubUnavailable', true],
    ['AwsUnavailable', 'GitHubUnavailable', true],
    [undefined, 'NoToken', false],
  ])('that the function refuses with %s is a %s', async (errorType, name, retryable) => {
    const answer = errorType === undefined ? {} : { errorType, errorMessage: 'the words' }
    lambda.on(InvokeCommand).resolves({ FunctionError: 'Unhandled', Payload: payloadOf(answer) })
    const message = errorType === undefined ? 'the function gave no reason' : 'the words'
    await expect(source().ask(REQUEST)).rejects.toMatchObject({ name, retryable, message })
  })
})

describe('a token that GitHub does not take', () => {
  /** A GitHub that takes some tokens, and what it was shown. */
  async function gitHubThatTakes(...good: string[]): Promise<{ api: string; shown: unknown[] }> {
    const shown: unknown[] = []
    const api = await serve((request, response) => {
      shown.push(request.headers.authorization)
      const isGood = good.some((token) => request.headers.authorization === `Bearer ${token}`)
      response
        .writeHead(isGood ? 200 : 401, { 'content-type': 'application/json' })
        .end(JSON.stringify(isGood ? {} : { message: 'Bad credentials' }))
    })
    return { api, shown }
  }

  test('is replaced once, and the new one is remembered', async () => {
    const { api, shown } = await gitHubThatTakes('token-2')
    const tokens = source()
    const { github } = await voiceFor(tokens, api, REQUEST)
    await github('GET /rate_limit')
    await github('GET /rate_limit')
    expect(shown).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-2'])
    expect((await tokens.ask(REQUEST)).token).toBe('token-2')
  })

  test('and neither the next one, is an error', async () => {
    const { api, shown } = await gitHubThatTakes()
    const { github } = await voiceFor(source(), api, REQUEST)
    await expect(github('GET /rate_limit')).rejects.toMatchObject({ name: 'GitHubRefused', status: 401 })
    expect(shown).toEqual(['Bearer token-1', 'Bearer token-2'])
  })

  test('is nobody’s where there is none: then nothing is asked for again', async () => {
    lambda.on(InvokeCommand).resolves({ Payload: payloadOf({ isApp: false }) })
    const { api, shown } = await gitHubThatTakes()
    const { github, hasToken } = await voiceFor(source(), api, REQUEST)
    expect(hasToken).toBe(false)
    await expect(github('GET /rate_limit')).rejects.toMatchObject({ name: 'GitHubRefused' })
    expect(shown).toEqual([undefined])
  })
})
