import { createHmac } from 'node:crypto'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
} from '@aws-sdk/client-sfn'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storedConfig } from '../../functions/shared/config.ts'
import { stateKeys } from '../../functions/shared/keys.ts'
import { serve } from '../unit/functions/http-server.ts'
import { CONFIG } from '../unit/functions/resolve/config.ts'
import { answerTo, clientAs, deployedForThisFile, s3As } from './deployed.ts'

/*
 * The attacker is anybody on the internet: the webhook's URL is public. It may have recorded real deliveries; it does not know the secret. The
 * deployed template answers, with its API, its functions and its state machine; the only thing it could gain is a run.
 */
const deployed = deployedForThisFile()
/** The secret that was generated at deployment. */
let SECRET = ''

const PUSH = JSON.stringify({
  ref: 'refs/heads/main',
  after: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
  repository: { full_name: 'stranger/repository' },
})
const TAG = JSON.stringify({
  ...(JSON.parse(PUSH) as object),
  ref: 'refs/tags/v1',
  head_commit: { id: '6113728f27ae82c7b1a177c8d03f9e96e0adf246' },
})
const hmac = (body: string | Uint8Array, secret = SECRET, algorithm = 'sha256'): string =>
  `${algorithm}=${createHmac(algorithm, secret).update(body).digest('hex')}`

beforeAll(async () => {
  const secrets = new SecretsManagerClient(clientAs(deployed))
  const SecretId = deployed.stack.physicalId('WebhookSecret')
  const { SecretString = '{}' } = await secrets.send(new GetSecretValueCommand({ SecretId }))
  SECRET = (JSON.parse(SecretString) as { current: string }).current
  secrets.destroy()
})

interface Answer {
  status: number
  text: string
}

async function post(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${deployed.stack.api}/github`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': 'd-1',
      ...headers,
    },
    body,
  })
  return { status: response.status, text: await response.text() }
}

const sfn = (): SFNClient => new SFNClient(clientAs(deployed))

async function runs(): Promise<string[]> {
  const client = sfn()
  const stateMachineArn = deployed.stack.physicalId('WarmStateMachine')
  const { executions = [] } = await client.send(new ListExecutionsCommand({ stateMachineArn }))
  client.destroy()
  return executions.map(({ executionArn = '' }) => executionArn)
}

const signature = (value: string): Record<string, string> => ({ 'x-hub-signature-256': value })
/** The secret is known only when the stack runs. */
const signed = (value: () => string) => () => signature(value())
const unsigned = () => ({})
type Line = [
  attack: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: () => Record<string, string>,
  status: number,
]

describe('a delivery that GitHub did not sign starts nothing', () => {
  const lines: Line[] = [
    ['no signature', PUSH, unsigned, 401],
    ['an empty signature', PUSH, signed(() => ''), 401],
    ['a signature of zeros', PUSH, signed(() => `sha256=${'0'.repeat(64)}`), 401],
    ['a secret of its own', PUSH, signed(() => hmac(PUSH, 'another-secret-0123456789')), 401],
    ['an empty secret', PUSH, signed(() => hmac(PUSH, '')), 401],
    ['the word undefined for a secret', PUSH, signed(() => hmac(PUSH, 'undefined')), 401],
    ['the previous secret, which there is not', PUSH, signed(() => hmac(PUSH, 'null')), 401],
    ['a recorded signature over another body', PUSH.replace('main', 'evil'), signed(() => hmac(PUSH)), 401],
    ['a recorded body with a space behind it', `${PUSH} `, signed(() => hmac(PUSH)), 401],
    [
      'a signature by SHA-1, the header of old',
      PUSH,
      () => ({ 'x-hub-signature': hmac(PUSH, SECRET, 'sha1') }),
      401,
    ],
    ['SHA-1 in the new header', PUSH, signed(() => hmac(PUSH, SECRET, 'sha1')), 401],
    ['two signatures, one of them right', PUSH, signed(() => `${hmac(PUSH)}, sha256=${'0'.repeat(64)}`), 401],
    ['a signature cut short', PUSH, signed(() => hmac(PUSH).slice(0, -1)), 401],
    ['a signature in upper case', PUSH, signed(() => hmac(PUSH).toUpperCase()), 401],
    [
      'bytes that are no text, signed as the text they become',
      new Uint8Array([0xff]),
      signed(() => hmac('\uFFFD')),
      401,
    ],
    ['6 MB without a signature', 'x'.repeat(6 * 1024 * 1024), unsigned, 413],
    ['nothing', '', unsigned, 401],
  ]
  test.each(lines)('%s', async (_, body, headers, status) => {
    const before = await runs()
    const answer = await post(body, headers())
    expect(answer.status).toBe(status)
    expect(answer.text).not.toContain(SECRET)
    expect(answer.text).not.toContain(hmac(PUSH).slice(7))
    expect(await runs()).toEqual(before)
  })

  test.each(['GET', 'PUT', 'DELETE', 'PATCH'])('the method %s', async (method) => {
    const response = await fetch(`${deployed.stack.api}/github`, { method, headers: signature(hmac('')) })
    expect(response.status).toBe(404)
  })
  test.each(['/', '/github/', '/github/../admin', '/_api', '/github%2f'])('the path %s', async (path) => {
    const response = await fetch(deployed.stack.api + path, {
      method: 'POST',
      body: PUSH,
      headers: signature(hmac(PUSH)),
    })
    expect(response.status).toBe(404)
    expect(await runs()).toEqual([])
  })
})

describe('a delivery that GitHub did sign, used for something else', () => {
  const lines: [attack: string, body: string][] = [
    ['another event replayed as a push', '{"action":"opened"}'],
    ['a push without its commit', PUSH.replace('after', 'before')],
    ['a commit that is an option of git', PUSH.replace(/"after":"[^"]+"/, '"after":"--upload-pack=x"')],
    ['a ref that is an option of git', PUSH.replace('refs/heads/main', '--upload-pack=x')],
    ['a repository that climbs', PUSH.replace('stranger/repository', '../../etc/passwd')],
    ['a repository that is a URL', PUSH.replace('stranger/repository', 'https://evil.example.org/x')],
    ['a prototype', '{"__proto__":{"ref":"refs/heads/main"}}'],
    ['a million brackets', '['.repeat(1_000_000)],
    ['a form', 'payload=%7B%7D'],
    ['a tag whose commit is an option of git', TAG.replace(/"id":"[^"]+"/, '"id":"--upload-pack=x"')],
  ]
  test.each(lines)('%s', async (_, body) => {
    const before = await runs()
    expect((await post(body, signature(hmac(body)))).status).toBe(400)
    expect(await runs()).toEqual(before)
  })
})

test('replayed with new delivery ids, a recorded push is the run that it was; and of a repository that nobody configured nothing is evaluated', async () => {
  const headers = signature(hmac(PUSH))
  const first = await post(PUSH, headers)
  expect(first).toMatchObject({ status: 202, text: expect.stringContaining('"started":true') as string })
  for (const id of ['d-2', 'd-3', 'd-4']) {
    const again = await post(PUSH, { ...headers, 'x-github-delivery': id })
    expect(again).toMatchObject({ status: 202, text: expect.stringContaining('"duplicate":true') as string })
  }
  const [executionArn, ...others] = await runs()
  expect(others).toEqual([])
  const client = sfn()
  await expect
    .poll(async () => (await client.send(new DescribeExecutionCommand({ executionArn }))).status, {
      timeout: 60_000,
    })
    .not.toBe('RUNNING')
  const { events = [] } = await client.send(new GetExecutionHistoryCommand({ executionArn }))
  const states = events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? [])
  client.destroy()
  expect(states).toContain('Resolve')
  expect(states).not.toContain('Evaluate')
  expect(deployed.stack.calls.get('codebuild:StartBuild')).toBeUndefined()
})

describe('a recorded deletion has no roots expire of a branch that lives', () => {
  const REF = 'refs/heads/main'
  const DELETION = JSON.stringify({
    ref: 'main',
    ref_type: 'branch',
    repository: { full_name: CONFIG.repositories[0]?.name },
  })
  const RECORD = stateKeys.deletedRef('acme/shells', REF)
  const NEWEST = stateKeys.newestRun('acme/shells', REF)
  let s3: S3Client
  beforeAll(() => {
    s3 = s3As(deployed)
  })
  afterAll(() => {
    s3.destroy()
  })
  const inState = (Key: string) => ({ Bucket: deployed.stack.physicalId('StateBucket'), Key })
  const write = (key: string, value: object) =>
    s3.send(new PutObjectCommand({ ...inState(key), Body: JSON.stringify(value) }))
  const isThere = async (key: string): Promise<boolean> =>
    (await answerTo(s3.send(new GetObjectCommand(inState(key))))) === 'done'

  /** GitHub, and what it says of the branch at the moment. */
  async function gitHub(): Promise<{ says: 'lives' | 'gone' }> {
    const state: { says: 'lives' | 'gone' } = { says: 'lives' }
    const api = await serve((request, response) => {
      const isRef = request.url?.includes('/git/ref/') === true
      const body = isRef ? { object: { type: 'commit', sha: 'a'.repeat(40) } } : {}
      response
        .writeHead(isRef && state.says === 'gone' ? 404 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(body))
    })
    await write(stateKeys.currentConfig, storedConfig({ ...CONFIG, github: { ...CONFIG.github, api } }))
    await write(NEWEST, { version: 1, run: 'r', commit: 'a'.repeat(40), started: '2026-01-01T00:00:00.000Z' })
    return state
  }

  /** Delivers, and waits for the end of the run that this is. @returns what the webhook said */
  async function deliver(body: string, id: string): Promise<Record<string, unknown>> {
    const headers = { ...signature(hmac(body)), 'x-github-event': 'delete', 'x-github-delivery': id }
    const { status, text } = await post(body, headers)
    expect(status).toBe(202)
    const said = JSON.parse(text) as Record<string, unknown>
    const machine = deployed.stack.physicalId('WarmStateMachine')
    const executionArn = `${machine.replace(':stateMachine:', ':execution:')}:${String(said['run'])}`
    const client = sfn()
    await expect
      .poll(async () => (await client.send(new DescribeExecutionCommand({ executionArn }))).status, {
        timeout: 60_000,
      })
      .toBe('SUCCEEDED')
    client.destroy()
    return said
  }

  test('delivered late, or before its time', async () => {
    await gitHub()
    expect(await deliver(DELETION, 'd-1')).toMatchObject({ started: true })
    expect(await isThere(RECORD)).toBe(false)
  })

  test('replayed after the branch was deleted in earnest, and came back', async () => {
    const world = await gitHub()
    world.says = 'gone'
    const inEarnest = `${DELETION} `
    expect(await deliver(inEarnest, 'd-2')).toMatchObject({ started: true })
    expect(await isThere(RECORD)).toBe(true)

    world.says = 'lives'
    await s3.send(new DeleteObjectCommand(inState(RECORD)))
    for (const body of [inEarnest, DELETION])
      expect(await deliver(body, 'a new delivery id')).toMatchObject({ duplicate: true })
    expect(await isThere(RECORD)).toBe(false)
  })
})
