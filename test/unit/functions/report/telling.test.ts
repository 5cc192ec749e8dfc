import type { IncomingMessage, ServerResponse } from 'node:http'
import { BatchGetBuildsCommand, CodeBuildClient } from '@aws-sdk/client-codebuild'
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { mockClient } from 'aws-sdk-client-mock'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/report/index.ts'
import { storedConfig } from '../../../../functions/shared/config.ts'
import { writeSchedule } from '../../../../functions/shared/schedule-file.ts'
import { batchDerivation, became, jobOf, outcomeOf } from '../batches.ts'
import { Buckets } from '../buckets.ts'
import { drv, out } from '../graphs.ts'
import { serve } from '../http-server.ts'
import { captureLog, context, payloadOf } from '../lambda.ts'
import { CONFIG } from '../resolve/config.ts'
import { COMMIT, TARGET } from './run-reports.ts'

const RUN = 'run-1'
const X86 = 'x86_64-linux'
const MAC = 'aarch64-darwin'
const EXECUTIONS = 'arn:aws:states:eu-central-1:123456789012:execution:hearth-prod-warm'

interface Call {
  what: string
  token: string | undefined
  body: Record<string, unknown>
}

let buckets: Buckets
let handler: typeof Handler
let calls: Call[]
let log: ReturnType<typeof captureLog>
/** what GitHub says; the check run 42 by default */
let answer: (call: Call) => { status: number; headers?: Record<string, string>; body?: object }
const lambda = mockClient(LambdaClient)
const events = mockClient(EventBridgeClient)
const codebuild = mockClient(CodeBuildClient)

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const piece of request) text += String(piece)
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const call = {
    what: `${request.method} ${request.url}`,
    token: request.headers.authorization?.replace('Bearer ', ''),
    body: await bodyOf(request),
  }
  calls.push(call)
  const { status, headers, body = {} } = answer(call)
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

beforeEach(async () => {
  vi.stubEnv('STATE_BUCKET', 'state')
  vi.stubEnv('TOKEN_FUNCTION', 'token')
  vi.stubEnv('WARM_EXECUTIONS', EXECUTIONS)
  log = captureLog()
  calls = []
  answer = ({ what }) => ({ status: what.startsWith('POST') ? 201 : 200, body: { id: 42 } })
  buckets = new Buckets()
  lambda.reset()
  credentials({ token: 'first', expires: '2999-01-01T00:00:00Z', isApp: true })
  events.reset()
  events.on(PutEventsCommand).resolves({ Entries: [{ EventId: '1' }] })
  codebuild.reset()
  codebuild.on(BatchGetBuildsCommand).resolves({ builds: [] })
  const api = await serve((request, response) => void respond(request, response))
  buckets.put('state/config/current.json', storedConfig({ ...CONFIG, github: { ...CONFIG.github, api } }))
  buckets.put(`state/runs/${RUN}/job.json`, {
    kind: 'evaluate',
    run: RUN,
    target: TARGET,
    started: new Date().toISOString(),
  })
  vi.resetModules()
  ;({ handler } = await import('../../../../functions/report/index.ts'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

function credentials(said: object): void {
  lambda.on(InvokeCommand).resolves({ Payload: payloadOf(said) })
}

/** Long enough after the last call: the pace has a test of its own. */
const later = () => buckets.objects.delete('state/github/pace/acme/shells.json')
const began = () => (later(), handler({ run: RUN, began: true }, context))
const wave = () => (later(), handler({ run: RUN, wave: 1 }, context))
const ended = (ending: object = { verdict: 'done' }, input: object = { trigger: 'push', ...TARGET }) => (
  later(),
  handler({ run: RUN, input, ending }, context)
)
const whats = () => calls.map(({ what }) => what.replace('/repos/acme/shells', ''))
const kinds = () =>
  events.commandCalls(PutEventsCommand).map(({ args: [{ input }] }) => input.Entries?.[0]?.DetailType)

/** A plan with a shell for Linux and one for a Mac, and what Publish has said since. */
async function plan(...published: string[]): Promise<void> {
  const shell = (attribute: string, system: string, path: string) => ({
    attribute,
    system,
    status: 'cold' as const,
    paths: [out(path)],
  })
  const shells = [shell('a', X86, 'app'), shell('b', MAC, 'mac')]
  buckets.put(`state/runs/${RUN}/plans/1.json`, {
    version: 1,
    run: RUN,
    wave: 1,
    shells,
    lanes: [{ system: X86, slot: 1 }],
    derivations: { graph: 2, missing: 2, scheduled: 2 },
  })
  await writeSchedule(buckets.bucket('state'), {
    version: 1,
    run: RUN,
    wave: 1,
    target: TARGET,
    machines: { [X86]: { lanes: 1, slots: 8 }, [MAC]: { lanes: 1, slots: 8, waitHours: 24 } },
    job: { archive: { key: 'archive', sha256: '' }, upstreams: [], publicKeys: [], maxNarSize: 1 },
    derivations: ['app', 'mac'].map((name) => ({
      ...batchDerivation(name),
      system: name === 'mac' ? MAC : X86,
      needs: [],
      needsPublished: [],
      seconds: 1,
    })),
  })
  const batch = `1-${X86}-1-1`
  buckets.put(
    `state/runs/${RUN}/batches/${batch}.json`,
    jobOf(
      RUN,
      batch,
      ['app', 'mac'].map((name) => batchDerivation(name)),
    ),
  )
  buckets.put(
    `state/runs/${RUN}/outcomes/${batch}.json`,
    outcomeOf(
      RUN,
      batch,
      published.map((name) => became(drv(name), 'published')),
    ),
  )
}
const states = (body: unknown) => (body as { output: { summary: string } }).output.summary

describe('an App tells GitHub from the beginning to the end', () => {
  test('each moment once, however often it is asked', async () => {
    await began()
    await began()
    expect(calls).toMatchObject([
      {
        what: `POST /repos/acme/shells/statuses/${COMMIT}`,
        token: 'first',
        body: {
          state: 'pending',
          context: 'hearth',
          target_url: expect.stringContaining(`${EXECUTIONS}:${RUN}`),
        },
      },
    ])

    await plan()
    await wave()
    await wave()
    expect(whats().slice(1)).toEqual(['POST /check-runs'])
    expect(calls[1]?.body).toMatchObject({
      head_sha: COMMIT,
      status: 'in_progress',
      external_id: 'refs/heads/main',
    })
    expect(states(calls[1]?.body)).toContain('🔨 building')
    expect(states(calls[1]?.body)).toContain('⏳ waiting for a Mac')

    // a worker comes: the shell is not waiting any more
    buckets.put(`state/workers/${MAC}/mac-1.json`, {})
    await wave()
    await plan('app')
    await wave()
    await wave()
    expect(whats().slice(2)).toEqual(['PATCH /check-runs/42', 'PATCH /check-runs/42'])
    expect(states(calls[3]?.body)).toContain('✅ built')

    await ended({ verdict: 'stuck' })
    await ended({ verdict: 'stuck' })
    expect(whats().slice(4)).toEqual(['PATCH /check-runs/42', `POST /statuses/${COMMIT}`])
    expect(calls[4]?.body).toMatchObject({ status: 'completed', conclusion: 'failure' })
    expect(calls[5]?.body).toMatchObject({ state: 'failure' })
    expect(kinds()).toEqual([
      'Hearth Run Started',
      ...Array.from({ length: 3 }, () => 'Hearth Shells Changed'),
      'Hearth Run Ended',
    ])
  })

  test('a run that finds everything warm needs three calls', async () => {
    await began()
    await ended()
    expect(whats()).toEqual([`POST /statuses/${COMMIT}`, 'POST /check-runs', `POST /statuses/${COMMIT}`])
    expect(calls[1]?.body).toMatchObject({ status: 'completed', conclusion: 'success' })
  })

  test('two lanes that end together say it once', async () => {
    await plan()
    await wave()
    await plan('app')
    await Promise.all([wave(), wave(), wave()])
    expect(whats()).toEqual(['POST /check-runs', 'PATCH /check-runs/42'])
  })

  test('a lane that is over after the run has ended changes nothing any more', async () => {
    await plan()
    await wave()
    await ended({ verdict: 'failed', failure: { Error: 'ExecutionAborted' } })
    await plan('app')
    await wave()
    expect(whats()).toEqual(['POST /check-runs', 'PATCH /check-runs/42', `POST /statuses/${COMMIT}`])
  })

  test('errors are shown at their lines, and once', async () => {
    await plan()
    const file = `state/runs/${RUN}/plans/1.json`
    const shells = [
      { attribute: 'a', system: X86, status: 'failed', paths: [], reason: 'broken\nat flake.nix:3:1' },
    ]
    buckets.put(file, { ...(buckets.json(file) as object), shells })
    await ended({ verdict: 'done' })
    await ended({ verdict: 'stuck' })
    const annotated = calls.map(
      ({ body }) => (body['output'] as { annotations?: unknown[] } | undefined)?.annotations?.length,
    )
    expect(annotated).toEqual([1, undefined, undefined, undefined])
  })
})

describe('more errors than GitHub takes with one call', () => {
  const linesOf = ({ body }: Call) =>
    (body['output'] as { annotations?: { start_line: number }[] } | undefined)?.annotations?.map(
      ({ start_line: line }) => line,
    ) ?? []
  const lines = Array.from({ length: 120 }, (_, index) => index + 1)

  beforeEach(async () => {
    await plan()
    const file = `state/runs/${RUN}/plans/1.json`
    const shells = lines.map((line) => ({
      attribute: `a${line}`,
      system: X86,
      status: 'failed',
      paths: [],
      reason: `broken\nat flake.nix:${line}:1`,
    }))
    buckets.put(file, { ...(buckets.json(file) as object), shells })
  })

  test('are sent with several, each 50 at most', async () => {
    await ended({ verdict: 'done' })
    expect(whats()).toEqual([
      'POST /check-runs',
      'PATCH /check-runs/42',
      'PATCH /check-runs/42',
      `POST /statuses/${COMMIT}`,
    ])
    expect(calls.map((call) => linesOf(call).length)).toEqual([50, 50, 20, 0])
    expect(calls.flatMap(linesOf)).toEqual(lines)
  })

  test('none comes twice when a call fails in between', async () => {
    answer = ({ what, body }) =>
      what.startsWith('PATCH') && linesOf({ what, body, token: undefined }).includes(101)
        ? { status: 502 }
        : { status: 201, body: { id: 42 } }
    await expect(ended({ verdict: 'done' })).rejects.toMatchObject({ name: 'GitHubUnavailable' })
    calls = []
    answer = () => ({ status: 200, body: { id: 42 } })
    await ended({ verdict: 'done' })
    expect(calls.flatMap(linesOf)).toEqual(lines.slice(100))
  })
})

describe('who shows GitHub something else', () => {
  test('than an App writes statuses alone', async () => {
    credentials({ token: 'somebody', isApp: false })
    await began()
    await plan()
    await wave()
    await ended({ verdict: 'stuck' })
    expect(whats()).toEqual([`POST /statuses/${COMMIT}`, `POST /statuses/${COMMIT}`])
  })

  test('nothing at all tells GitHub nothing, and says so', async () => {
    credentials({ isApp: false })
    await began()
    await ended()
    expect(calls).toEqual([])
    expect(log.text()).toContain('Hearth has no credentials')
    expect(kinds()).toEqual(['Hearth Run Started', 'Hearth Run Ended'])
  })
})

describe('GitHub is not told', () => {
  test.each<[string, object, object, boolean]>([
    ['of what is ignored', { verdict: 'ignored', reason: 'not configured' }, { trigger: 'push' }, true],
    [
      'what a scheduled run found unchanged',
      { verdict: 'unchanged', reason: 'warmed' },
      { trigger: 'schedule' },
      true,
    ],
    [
      'of a repository that hearth.yml does not name',
      { verdict: 'failed' },
      { repository: 'other/shells', ref: 'refs/heads/main', commit: COMMIT },
      false,
    ],
    ['of no commit', { verdict: 'failed' }, { repository: 'acme/shells', ref: 'refs/heads/main' }, false],
    [
      'of half a commit',
      { verdict: 'failed' },
      { repository: 'acme/shells', ref: 'refs/heads/main', commit: 'abc' },
      false,
    ],
  ])('%s', async (_, ending, input, hasJob) => {
    if (!hasJob) buckets.objects.delete(`state/runs/${RUN}/job.json`)
    await ended(ending, input)
    expect(calls).toEqual([])
    expect(lambda.commandCalls(InvokeCommand)).toEqual([])
  })
})

test('a run that is ignored is no event', async () => {
  await ended({ verdict: 'ignored', reason: 'not configured' })
  expect(kinds()).toEqual([])
})

describe('Re-run of what is not warmed any more', () => {
  const rerun = (repository: string) =>
    ended(
      { verdict: 'ignored', reason: 'refs/heads/old is not among the refs of acme/shells' },
      { trigger: 'rerun', repository, ref: 'refs/heads/old', commit: COMMIT },
    )
  beforeEach(() => buckets.objects.delete(`state/runs/${RUN}/job.json`))

  test.each(['acme/shells', 'Acme/Shells'])(
    'of %s: GitHub does not wait for its check for ever, and the status of the commit stays what it was',
    async (repository) => {
      await rerun(repository)
      expect(calls).toMatchObject([
        {
          what: 'POST /repos/acme/shells/check-runs',
          body: { name: 'Hearth', head_sha: COMMIT, status: 'completed', conclusion: 'neutral' },
        },
      ])
      expect(states(calls[0]?.body)).toContain('refs/heads/old is not among the refs of acme/shells')
      expect(kinds()).toEqual([])
    },
  )
  test('of a repository that hearth.yml does not name nothing is said', async () => {
    await rerun('acme/other')
    expect(calls).toEqual([])
  })
})

test('a run that broke before its target was resolved is told of the commit that was pushed', async () => {
  buckets.objects.delete(`state/runs/${RUN}/job.json`)
  await ended({ verdict: 'failed', failure: { Error: 'Boom' } })
  expect(calls.at(-1)).toMatchObject({
    what: `POST /repos/acme/shells/statuses/${COMMIT}`,
    body: { state: 'error' },
  })
})

test('of a run whose commit nobody has resolved there is an event all the same', async () => {
  buckets.objects.delete(`state/runs/${RUN}/job.json`)
  await ended(
    { verdict: 'failed', failure: { Error: 'Boom' } },
    { trigger: 'odd', repository: 'acme/shells', ref: 'main' },
  )
  expect(calls).toEqual([])
  const [call] = events.commandCalls(PutEventsCommand)
  expect(JSON.parse(call?.args[0].input.Entries?.[0]?.Detail ?? '')).toMatchObject({
    target: { repository: 'acme/shells', ref: 'refs/heads/main' },
    text: 'acme/shells main: The run failed: Boom: no cause was given',
    outcome: 'failure',
  })
})

test('a superseded run does not stay pending, and says by what', async () => {
  buckets.put('state/refs/acme/shells/refs%2Fheads%2Fmain.json', {
    version: 1,
    run: 'run-2',
    commit: 'abcdef0123456789abcdef0123456789abcdef01',
    started: '2999-01-01T00:00:00Z',
  })
  await ended({ verdict: 'superseded' })
  expect(calls.map(({ body }) => body['conclusion'] ?? body['state'])).toEqual(['cancelled', 'error'])
  expect(calls[1]?.body['description']).toContain('abcdef0')
})

describe('when GitHub says no', () => {
  test('401: the token is replaced, once', async () => {
    answer = ({ token }) => {
      credentials({ token: 'second', expires: '2999-01-01T00:00:00Z', isApp: true })
      return token === 'first' ? { status: 401 } : { status: 201, body: { id: 42 } }
    }
    await began()
    expect(calls.map(({ token }) => token)).toEqual(['first', 'second'])
  })

  test('503: the state machine is to try again, and what was told meanwhile is not told twice', async () => {
    answer = ({ what }) => ({ status: what.includes('/statuses/') ? 503 : 201, body: { id: 42 } })
    await expect(ended()).rejects.toMatchObject({ name: 'GitHubUnavailable' })
    answer = () => ({ status: 201, body: { id: 42 } })
    expect(await ended()).toEqual({ verdict: 'done' })
    expect(whats()).toEqual(['POST /check-runs', `POST /statuses/${COMMIT}`, `POST /statuses/${COMMIT}`])
    expect(kinds()).toEqual(['Hearth Run Ended'])
  })

  test('a creation that nobody knows the end of is looked for', async () => {
    answer = () => ({ status: 502 })
    await plan()
    await expect(wave()).rejects.toMatchObject({ name: 'GitHubUnavailable' })
    const details_url = (calls[0]?.body['details_url'] ?? '') as string
    answer = ({ what }) =>
      what.startsWith('GET')
        ? {
            status: 200,
            body: {
              check_runs: [
                { id: 7, details_url: 'another run' },
                { id: 43, details_url },
              ],
            },
          }
        : { status: 200, body: { id: 43 } }
    await ended({ verdict: 'stuck' })
    expect(whats().slice(1)).toEqual([
      `GET /commits/${COMMIT}/check-runs?check_name=Hearth&filter=all&per_page=100`,
      'PATCH /check-runs/43',
      `POST /statuses/${COMMIT}`,
    ])
  })

  test('403 to check runs alone: the commit does not stay pending', async () => {
    answer = ({ what }) => (what.includes('/check-runs') ? { status: 403 } : { status: 201 })
    await began()
    expect(await ended()).toEqual({ verdict: 'done' })
    expect(calls.map(({ body }) => body['state'])).toEqual(['pending', undefined, 'success'])
    expect(log.text()).toContain('RunsNotTold')
  })

  test('403 to one and 503 to the other: it is tried again', async () => {
    answer = ({ what }) => ({ status: what.includes('/check-runs') ? 403 : 503 })
    await expect(ended()).rejects.toMatchObject({ name: 'GitHubUnavailable' })
  })

  test('403 without a word of when: the verdict stands, and it is loud', async () => {
    answer = () => ({ status: 403, body: { message: 'Resource not accessible by integration' } })
    expect(await ended()).toEqual({ verdict: 'done' })
    expect(log.text()).toContain('RunsNotTold')
    expect(log.text()).toContain('Resource not accessible by integration')
  })
})

describe('when EventBridge says no', () => {
  test('GitHub is told all the same, and it is tried again', async () => {
    events.on(PutEventsCommand).rejects(
      Object.assign(new Error('slow down'), {
        name: 'ThrottlingException',
        $metadata: { httpStatusCode: 429 },
      }),
    )
    await expect(ended()).rejects.toMatchObject({ name: 'AwsUnavailable' })
    expect(whats()).toEqual(['POST /check-runs', `POST /statuses/${COMMIT}`])
    events.on(PutEventsCommand).resolves({ Entries: [{ EventId: '1' }] })
    await ended()
    expect(calls).toHaveLength(2)
  })

  test('an entry that is refused is loud', async () => {
    events
      .on(PutEventsCommand)
      .resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'NotAuthorized', ErrorMessage: 'no' }] })
    expect(await ended()).toEqual({ verdict: 'done' })
    expect(log.text()).toContain('EventRefused')
  })
})

test('what the run cost is asked of CodeBuild: its own machines, not those of an evaluation that it used again', async () => {
  buckets.put(`state/runs/${RUN}/plans/evaluation.json`, { round: { number: 1, build: 'evaluator:1' } })
  buckets.put(`state/runs/${RUN}/machines/1-${X86}-1-1.json`, { version: 1, build: 'x86:1', machine: 'm' })
  buckets.put(`state/runs/${RUN}/machines/1-${X86}-1-2.json`, { version: 1, build: 'x86:1', machine: 'm' })
  const environment = { type: 'LINUX_CONTAINER', computeType: 'BUILD_GENERAL1_LARGE', image: 'i' } as const
  const minute = (begins: number) => ({
    environment,
    startTime: new Date(begins),
    endTime: new Date(begins + 60_000),
  })
  codebuild.on(BatchGetBuildsCommand).resolves({ builds: [minute(0), minute(Date.now() + 1000)] })
  await ended()
  expect(codebuild.commandCalls(BatchGetBuildsCommand).map(({ args: [{ input }] }) => input.ids)).toEqual([
    ['evaluator:1', 'x86:1'],
  ])
  expect(states(calls[0]?.body)).toContain('| `LINUX_CONTAINER BUILD_GENERAL1_LARGE` | 1 | 1 | $0.02 |')
})

test('a CodeBuild that does not answer keeps nobody from being told', async () => {
  buckets.put(`state/runs/${RUN}/plans/evaluation.json`, { round: { number: 1, build: 'evaluator:1' } })
  codebuild.on(BatchGetBuildsCommand).rejects(new Error('AccessDenied'))
  await ended()
  expect(calls).toHaveLength(2)
  expect(log.text()).toContain('what the run cost is left out')
})
