import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { mockClient } from 'aws-sdk-client-mock'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/webhook/index.ts'
import { captureLog, context } from '../lambda.ts'
import { CURRENT, delivered, sign } from './delivered.ts'

const PREVIOUS = 'previous-secret-987654321'
const MACHINE = 'arn:aws:states:eu-central-1:123456789012:stateMachine:warm'
const COMMIT = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'
const PUSH = JSON.stringify({
  ref: 'refs/heads/main',
  after: COMMIT,
  repository: { full_name: 'acme/shells' },
  head_commit: { message: 'the words of the commit' },
})
const LIMIT = 5 * 1024 * 1024

const sfn = mockClient(SFNClient)
const secrets = mockClient(SecretsManagerClient)
let log: { text(): string }
let handler: typeof Handler

beforeEach(async () => {
  vi.stubEnv('WEBHOOK_SECRET', 'the-webhook')
  vi.stubEnv('WARM_STATE_MACHINE', MACHINE)
  sfn.reset()
  secrets.reset()
  sfn.on(StartExecutionCommand).resolves({})
  store({ current: CURRENT, previous: PREVIOUS })
  log = captureLog()
  // a fresh function: the secret that the last one kept is forgotten
  vi.resetModules()
  ;({ handler } = await import('../../../../functions/webhook/index.ts'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

function store(secret: object): void {
  secrets
    .on(GetSecretValueCommand, { SecretId: 'the-webhook' })
    .resolves({ SecretString: JSON.stringify(secret) })
}

async function answerTo(event: APIGatewayProxyEventV2): Promise<{ status: number; body: unknown }> {
  const { statusCode = 0, body = '' } = await handler(event, context)
  return { status: statusCode, body: JSON.parse(body) }
}

const startedRuns = () => sfn.commandCalls(StartExecutionCommand).map(({ args: [command] }) => command.input)

// Its digits: `sha256sum` of the body, the first 32 of them.
const RUN = 'push-acme-shells-3f76940c3024a3fb7ee5ce4260b98b56'

describe('a signed push is accepted', () => {
  test.each([
    ['signed with the current secret', sign(PUSH)],
    ['signed with the previous secret', sign(PUSH, PREVIOUS)],
  ])('%s', async (_, signature) => {
    expect(await answerTo(delivered(PUSH, { 'x-hub-signature-256': signature }))).toEqual({
      status: 202,
      body: { run: RUN, started: true },
    })
    expect(startedRuns()).toEqual([
      {
        stateMachineArn: MACHINE,
        name: RUN,
        input: JSON.stringify({
          trigger: 'push',
          repository: 'acme/shells',
          ref: 'refs/heads/main',
          commit: COMMIT,
          delivery: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
        }),
      },
    ])
  })

  test('in base64, as API Gateway hands over what it takes for binary', async () => {
    const event = delivered(PUSH)
    const encoded = { ...event, body: Buffer.from(PUSH).toString('base64'), isBase64Encoded: true }
    expect(await answerTo(encoded)).toEqual({ status: 202, body: { run: RUN, started: true } })
  })

  test('a second delivery of the same body is no second run', async () => {
    sfn
      .on(StartExecutionCommand)
      .rejects(new ExecutionAlreadyExists({ message: 'Execution Already Exists', $metadata: {} }))
    const again = { 'x-github-delivery': 'another-delivery-of-the-same-body' }
    expect(await answerTo(delivered(PUSH, again))).toEqual({
      status: 202,
      body: { run: RUN, duplicate: true },
    })
  })

  test("the run's name comes from the raw body: a space more is another run", async () => {
    await answerTo(delivered(`${PUSH} `))
    const [run] = startedRuns()
    expect(run?.name).toMatch(/^push-acme-shells-[0-9a-f]{32}$/)
    expect(run?.name).not.toBe(RUN)
  })

  test('when Step Functions does not take it, GitHub is told so and can deliver it again', async () => {
    sfn.on(StartExecutionCommand).rejects(new Error('ThrottlingException'))
    await expect(handler(delivered(PUSH), context)).rejects.toThrow('ThrottlingException')
  })
})

describe('what starts nothing', () => {
  const deleted = JSON.stringify({ ...(JSON.parse(PUSH) as object), after: '0'.repeat(40) })
  const cases: [string, string, string | undefined, number, unknown][] = [
    ['a ping', '{"zen": "Design for failure."}', 'ping', 202, { pong: true }],
    [
      'another event',
      '{"action": "opened"}',
      'issues',
      202,
      { ignored: 'nothing is started by the event "issues"' },
    ],
    [
      'a deleted branch',
      deleted,
      'push',
      202,
      { ignored: 'refs/heads/main was deleted: the event delete says so, too' },
    ],
    [
      'malformed JSON with a valid signature',
      '{"ref": "refs/heads/main"',
      'push',
      400,
      { error: 'the body is not JSON: set the content type of the webhook to application/json' },
    ],
    [
      'a push without its commit',
      '{"ref": "refs/heads/main", "repository": {"full_name": "acme/shells"}}',
      'push',
      400,
      { error: 'this push event lacks what a push event has: after' },
    ],
    ['no event name', PUSH, undefined, 400, { error: 'the header X-GitHub-Event is missing' }],
  ]
  test.each(cases)('%s', async (_, body, event, status, answer) => {
    expect(await answerTo(delivered(body, { 'x-github-event': event }))).toEqual({ status, body: answer })
    expect(startedRuns()).toEqual([])
  })
})

const headers = (signature: string) => ({ 'x-hub-signature-256': signature })

describe('what is not signed by GitHub is refused', () => {
  const wrong = { error: 'the signature does not fit: is the secret of the webhook the one that Hearth has?' }
  const cases: [string, APIGatewayProxyEventV2][] = [
    ['signed with a secret that is not ours', delivered(PUSH, headers(sign(PUSH, 'forged-secret-0123456')))],
    ['signed with an empty secret', delivered(PUSH, headers(sign(PUSH, '')))],
    ['the body altered by a byte', { ...delivered(PUSH), body: PUSH.replace('main', 'mayn') }],
    ['the body cut short', { ...delivered(PUSH), body: PUSH.slice(0, -1) }],
    ['no body at all', { ...delivered(PUSH), body: '' }],
    ['an empty signature', delivered(PUSH, headers(''))],
    ['a signature that is cut short', delivered(PUSH, headers(sign(PUSH).slice(0, -2)))],
    ['a signature without its algorithm', delivered(PUSH, headers(sign(PUSH).slice('sha256='.length)))],
    ['a signature by SHA-1', delivered(PUSH, headers(sign(PUSH).replace('sha256=', 'sha1=')))],
    [
      'bytes that are not text, signed as the text they become',
      {
        ...delivered('', headers(sign('\uFFFD'))),
        body: Buffer.from([0xff]).toString('base64'),
        isBase64Encoded: true,
      },
    ],
  ]
  test.each(cases)('%s', async (_, event) => {
    expect(await answerTo(event)).toEqual({ status: 401, body: wrong })
    expect(startedRuns()).toEqual([])
  })

  test('without a signature, before any secret is read', async () => {
    expect(await answerTo(delivered(PUSH, { 'x-hub-signature-256': undefined }))).toEqual({
      status: 401,
      body: { error: 'the header X-Hub-Signature-256 is missing: set a secret for the webhook' },
    })
    expect(secrets.calls()).toEqual([])
  })

  test('the previous secret, once it has been removed', async () => {
    store({ current: CURRENT })
    expect(await answerTo(delivered(PUSH, headers(sign(PUSH, PREVIOUS))))).toEqual({
      status: 401,
      body: wrong,
    })
  })

  test('a secret that is not set up is our fault, not the caller’s', async () => {
    store({})
    await expect(handler(delivered(PUSH), context)).rejects.toMatchObject({ name: 'InvalidWebhookSecret' })
  })
})

describe('a secret is rotated while deliveries come', () => {
  const NEWEST = 'newest-secret-4711-4711-4711'
  const [OLD, NEW, NOTHING_OLD] = [
    { current: PREVIOUS },
    { current: NEWEST, previous: PREVIOUS },
    { current: NEWEST },
  ]
  const SECOND = 1000
  const at = (seconds: number) => vi.setSystemTime(new Date(Date.UTC(2026, 2, 12, 19) + seconds * SECOND))
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.resetModules()
    ;({ handler } = await import('../../../../functions/webhook/index.ts'))
  })
  afterEach(() => {
    vi.useRealTimers()
  })
  const status = async (secret: string): Promise<number> =>
    (await answerTo(delivered(PUSH, headers(sign(PUSH, secret))))).status

  test('and none is refused: a delivery every second, with the new secret as soon as ten seconds after Hearth has it', async () => {
    const answers = new Set<number>()
    for (let second = 0; second < 120; second++) {
      at(second)
      store(second < 30 ? OLD : NEW)
      // whoever rotates tells GitHub ten seconds later; what was signed before is delivered for a while
      const secret = second < 41 || (second < 60 && second % 2 === 0) ? PREVIOUS : NEWEST
      answers.add(await status(secret))
    }
    expect(answers).toEqual(new Set([202]))
    // the first, and the first that was signed with the new one
    expect(secrets.calls()).toHaveLength(2)
  })

  test('the old one opens nothing once it is no longer among the two, five minutes later at most', async () => {
    at(0)
    store(NEW)
    expect(await status(PREVIOUS)).toBe(202)
    store(NOTHING_OLD)
    at(299)
    expect(await status(PREVIOUS)).toBe(202)
    at(300)
    expect(await status(PREVIOUS)).toBe(401)
    expect(await status(NEWEST)).toBe(202)
  })

  test('a storm of wrong signatures costs a request in ten seconds', async () => {
    store(OLD)
    for (let tenth = 0; tenth < 600; tenth++) {
      at(tenth / 10)
      expect(await status('forged-secret-0123456')).toBe(401)
    }
    expect(secrets.calls()).toHaveLength(6)
  })
})

const padded = (bytes: number) => PUSH.padEnd(bytes, ' ')
const tooLarge = (bytes: number) => ({ error: `the body has ${bytes} bytes, and at most 5242880 are read` })

describe('a body is read up to 5 MiB', () => {
  test('of exactly 5 MiB', async () => {
    expect((await answerTo(delivered(padded(LIMIT)))).status).toBe(202)
  })
  test('of a byte more', async () => {
    expect(await answerTo(delivered(padded(LIMIT + 1)))).toEqual({ status: 413, body: tooLarge(5242881) })
  })
  test('counted in bytes, not in characters', async () => {
    const body = 'é'.repeat(LIMIT / 2 + 1)
    expect(await answerTo(delivered(body))).toEqual({ status: 413, body: tooLarge(5242882) })
  })
  test('counted after base64', async () => {
    const body = Buffer.from(padded(LIMIT)).toString('base64')
    const event = { ...delivered(padded(LIMIT)), body, isBase64Encoded: true }
    expect((await answerTo(event)).status).toBe(202)
  })
})

describe('no log line has a body, a signature or a secret', () => {
  const cases: [string, string, Record<string, string | undefined>, object][] = [
    ['an accepted push', PUSH, {}, { current: CURRENT, previous: PREVIOUS }],
    [
      'a forged one',
      PUSH,
      { 'x-hub-signature-256': sign(PUSH, 'forged-secret-0123456') },
      { current: CURRENT },
    ],
    [
      'a malformed one',
      'the words of the commit',
      { 'x-hub-signature-256': sign('the words of the commit') },
      { current: CURRENT },
    ],
    ['an ignored one', PUSH, { 'x-github-event': 'issues' }, { current: CURRENT }],
    ['a broken secret', PUSH, {}, { currant: CURRENT }],
  ]
  test.each(cases)('%s', async (_, body, headers, secret) => {
    store(secret)
    // the most that the logger can be told to say
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'TRACE')
    vi.resetModules()
    ;({ handler } = await import('../../../../functions/webhook/index.ts'))
    await handler(delivered(body, headers), context).catch(() => undefined)
    for (const unspeakable of ['the words of the commit', COMMIT, 'sha256=', CURRENT, PREVIOUS, 'forged'])
      expect(log.text()).not.toContain(unspeakable)
    for (const signed of [sign(body), sign(body, 'forged-secret-0123456')])
      expect(log.text()).not.toContain(signed.slice('sha256='.length, 'sha256='.length + 16))
  })

  test('and an accepted push does leave a line, with its delivery id', async () => {
    await handler(delivered(PUSH), context)
    expect(log.text()).toContain('72d3162e-cc78-11e3-81ab-4c9367dc0958')
  })
})
