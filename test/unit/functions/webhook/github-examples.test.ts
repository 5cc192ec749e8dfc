import { createRequire } from 'node:module'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import type { WebhookDefinition } from '@octokit/webhooks-examples'
import { mockClient } from 'aws-sdk-client-mock'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/webhook/index.ts'
import { captureLog, context } from '../lambda.ts'
import { CURRENT, delivered } from './delivered.ts'

/*
 * What GitHub really sends, as it is published with octokit: every payload of it, signed, through the function itself.
 */
const definitions = createRequire(import.meta.url)(
  '@octokit/webhooks-examples/api.github.com/index.json',
) as WebhookDefinition[]

interface Payload {
  action?: string
  ref?: string
  after?: string
  deleted?: boolean
  head_commit?: { id: string } | null
  repository?: { full_name: string }
  check_suite?: { head_sha: string; head_branch: string }
}
type Line = [event: string, action: string, index: number, payload: Payload]
const LINES = definitions.flatMap(({ name, examples }) =>
  (examples as Payload[]).map((payload, index): Line => [name, payload.action ?? '', index, payload]),
)
const linesOf = (...events: string[]): Line[] => LINES.filter(([event]) => events.includes(event))

const sfn = mockClient(SFNClient)
let handler: typeof Handler
let log: { text(): string }

beforeEach(async () => {
  vi.stubEnv('WEBHOOK_SECRET', 'the-webhook')
  vi.stubEnv('WARM_STATE_MACHINE', 'arn:of:warm')
  sfn.reset()
  sfn.on(StartExecutionCommand).resolves({})
  mockClient(SecretsManagerClient)
    .on(GetSecretValueCommand)
    .resolves({ SecretString: JSON.stringify({ current: CURRENT }) })
  log = captureLog()
  ;({ handler } = await import('../../../../functions/webhook/index.ts'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

async function deliver(
  event: string,
  payload: Payload,
): Promise<{ status: number; body: unknown; runs: unknown[] }> {
  const { statusCode = 0, body = '' } = await handler(
    delivered(JSON.stringify(payload), { 'x-github-event': event, 'x-github-delivery': 'd-1' }),
    context,
  )
  const runs = sfn
    .commandCalls(StartExecutionCommand)
    .map(({ args: [{ input }] }) => JSON.parse(input.input ?? '') as unknown)
  return { status: statusCode, body: JSON.parse(body), runs }
}

const STARTED = { run: expect.any(String) as string, started: true }
const IGNORED = { ignored: expect.any(String) as string }

describe('a push', () => {
  test('the examples have pushes of branches and tags, and pushes that delete', () => {
    const kinds = linesOf('push').map(
      ([, , , { ref = '', deleted }]) => `${ref.split('/')[1]}${deleted === true ? ' deleted' : ''}`,
    )
    expect(new Set(kinds)).toEqual(new Set(['tags', 'tags deleted', 'heads']))
  })

  test.each(linesOf('push'))('%s%s %i', async (event, _action, _index, payload) => {
    const input = {
      trigger: 'push',
      repository: payload.repository?.full_name,
      ref: payload.ref,
      commit: payload.head_commit?.id,
      delivery: 'd-1',
    }
    expect(await deliver(event, payload)).toEqual(
      payload.deleted === true
        ? { status: 202, body: IGNORED, runs: [] }
        : { status: 202, body: STARTED, runs: [input] },
    )
  })
})

describe('a deletion', () => {
  test.each(linesOf('delete'))('%s%s %i', async (event, _action, _index, payload) => {
    const input = {
      trigger: 'delete',
      repository: 'Codertocat/Hello-World',
      ref: 'refs/tags/simple-tag',
      delivery: 'd-1',
    }
    expect(await deliver(event, payload)).toEqual({ status: 202, body: STARTED, runs: [input] })
  })
})

describe('a check suite is run again, and nothing else about checks starts a run', () => {
  test.each(linesOf('check_run', 'check_suite'))('%s %s %i', async (event, action, _index, payload) => {
    const input = {
      trigger: 'rerun',
      repository: payload.repository?.full_name,
      ref: `refs/heads/${payload.check_suite?.head_branch}`,
      commit: payload.check_suite?.head_sha,
      retryFailed: true,
      delivery: 'd-1',
    }
    // the check runs among the examples are not Hearth's: they have no external id
    const isOurs = event === 'check_suite' && action === 'rerequested'
    expect(await deliver(event, payload)).toEqual(
      isOurs ? { status: 202, body: STARTED, runs: [input] } : { status: 202, body: IGNORED, runs: [] },
    )
  })
})

describe('an installation', () => {
  test.each(linesOf('installation', 'installation_repositories', 'installation_target'))(
    '%s %s %i',
    async (event, action, _index, payload) => {
      expect(await deliver(event, payload)).toEqual({
        status: 202,
        body: { ignored: expect.stringMatching(/^the App /) as string },
        runs: [],
      })
      const isWarning = ['deleted', 'suspend', 'removed'].includes(action)
      expect(log.text().includes('"level":"WARN"')).toBe(isWarning)
    },
  )
})

test.each(linesOf('ping'))('%s%s %i', async (event, _action, _index, payload) => {
  expect(await deliver(event, payload)).toEqual({ status: 202, body: { pong: true }, runs: [] })
})

describe('everything else is politely ignored', () => {
  const known = ['push', 'delete', 'check_run', 'check_suite', 'ping']
  const others = LINES.filter(([event]) => !known.includes(event) && !event.startsWith('installation'))
  test('there are hundreds of them', () => {
    expect(others.length).toBeGreaterThan(200)
  })
  test.each(others)('%s %s %i', async (event, _action, _index, payload) => {
    expect(await deliver(event, payload)).toEqual({
      status: 202,
      body: { ignored: `nothing is started by the event "${event}"` },
      runs: [],
    })
  })
})
