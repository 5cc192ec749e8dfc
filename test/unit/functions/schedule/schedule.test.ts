import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { mockClient } from 'aws-sdk-client-mock'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/schedule/index.ts'
import { storedConfig } from '../../../../functions/shared/config.ts'
import { stateKeys } from '../../../../functions/shared/keys.ts'
import type { RepositoryConfig } from '../../../../functions/shared/parse-config.ts'
import { Buckets } from '../buckets.ts'
import { captureLog, context, payloadOf } from '../lambda.ts'
import { CONFIG } from '../resolve/config.ts'
import { fakeGitHub, type FakeRepository, shaOf } from './fake-github.ts'

const tools: RepositoryConfig = {
  name: 'acme/tools',
  refs: ['main', 'dev'],
  tags: [],
  schedule: 'never',
  privateInputs: [],
  attributes: ['devShells'],
  systems: ['x86_64-linux'],
}
const repositories = [...CONFIG.repositories, tools]
const THERE = {
  'acme/shells': { branches: ['main', 'release/1', 'feature'], tags: ['v1', 'nightly'] },
  'acme/tools': { branches: ['main', 'dev'] },
}
// both long ago: no webhook is waited for
const SUNDAY_NIGHT = '2026-03-15T02:00:00Z'
const THURSDAY = '2026-03-12T19:00:00Z'

const sfn = mockClient(SFNClient)
const lambda = mockClient(LambdaClient)
let buckets: Buckets
let handler: typeof Handler

beforeEach(async () => {
  vi.stubEnv('STATE_BUCKET', 'state')
  vi.stubEnv('WARM_STATE_MACHINE', 'arn:of:warm')
  vi.stubEnv('TOKEN_FUNCTION', 'token')
  captureLog()
  sfn.reset()
  sfn.on(StartExecutionCommand).resolves({})
  lambda.reset()
  lambda.on(InvokeCommand).resolves({ Payload: payloadOf({ isApp: false }) })
  buckets = new Buckets()
  vi.resetModules()
  ;({ handler } = await import('../../../../functions/schedule/index.ts'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

/** A deployment and its GitHub. @returns what GitHub was asked */
async function deploy(there: Record<string, FakeRepository> = THERE): Promise<string[]> {
  const { api, asked } = await fakeGitHub(there)
  const config = storedConfig({ ...CONFIG, repositories, github: { ...CONFIG.github, api } })
  buckets.put('state/config/current.json', config)
  return asked
}
function note(repository: string, ref: string, commit: string, run = 'earlier'): void {
  const newest = { version: 1, run, commit, started: '2026-03-12T12:00:00.000Z' }
  buckets.put(`state/${stateKeys.newestRun(repository, ref)}`, newest)
}
/** Everything that GitHub has is on record. */
function noteAll(): void {
  for (const name of ['main', 'release/1']) note('acme/shells', `refs/heads/${name}`, shaOf(name))
  note('acme/shells', 'refs/tags/v1', shaOf('v1'))
  for (const name of ['main', 'dev']) note('acme/tools', `refs/heads/${name}`, shaOf(name))
}

interface Started {
  name: string
  input: Record<string, unknown>
}
const started = (): Started[] =>
  sfn.commandCalls(StartExecutionCommand).map(({ args: [{ input }] }) => ({
    name: input.name ?? '',
    input: JSON.parse(input.input ?? '') as Record<string, unknown>,
  }))
const inputs = () => started().map(({ input }) => input)
const fire = (time: string) => handler({ time }, context)

describe('the hour of a repository', () => {
  test('starts a run for every branch and tag that hearth.yml names and GitHub has, and for no other repository', async () => {
    await deploy()
    noteAll()
    const { runs } = await fire(SUNDAY_NIGHT)
    expect(inputs()).toEqual(
      ['refs/heads/main', 'refs/heads/release/1', 'refs/tags/v1'].map((ref) => ({
        trigger: 'schedule',
        repository: 'acme/shells',
        ref,
      })),
    )
    expect(started().map(({ name }) => name)).toEqual(runs)
    for (const run of runs) expect(run).toMatch(/^schedule-acme-shells-[0-9a-f]{32}$/)
    expect(new Set(runs).size).toBe(3)
  })

  test('told twice, or late, gives the same names, which Step Functions starts once', async () => {
    await deploy()
    noteAll()
    const first = await fire(SUNDAY_NIGHT)
    sfn.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists({ message: '', $metadata: {} }))
    expect(await fire(SUNDAY_NIGHT)).toEqual(first)
    expect(await fire('2026-03-15T02:17:00Z')).toEqual(first)
  })

  test('a week later gives others', async () => {
    await deploy()
    noteAll()
    const first = await fire(SUNDAY_NIGHT)
    const second = await fire('2026-03-22T02:00:00Z')
    expect(second.runs).toHaveLength(3)
    expect(second.runs.filter((run) => first.runs.includes(run))).toEqual([])
  })
})

describe('every other hour', () => {
  test('starts nothing, and asks GitHub for two lists and two names, when every head is on record', async () => {
    const asked = await deploy()
    noteAll()
    expect(await fire(THURSDAY)).toEqual({ runs: [] })
    expect(asked.toSorted()).toEqual([
      '/repos/acme/shells/branches?page=1&per_page=100',
      '/repos/acme/shells/tags?page=1&per_page=100',
      '/repos/acme/tools/git/ref/heads/dev',
      '/repos/acme/tools/git/ref/heads/main',
    ])
    // one token for each repository
    expect(lambda.calls()).toHaveLength(2)
  })

  test('starts what webhooks lost, once a day, also for a repository without a schedule', async () => {
    await deploy()
    noteAll()
    note('acme/tools', 'refs/heads/dev', 'f'.repeat(40))
    const { runs } = await fire(THURSDAY)
    expect(inputs()).toEqual([
      { trigger: 'schedule', repository: 'acme/tools', ref: 'refs/heads/dev', commit: shaOf('dev') },
    ])
    expect((await fire('2026-03-12T20:00:00Z')).runs).toEqual(runs)
    const nextDay = await fire('2026-03-13T00:00:00Z')
    expect(nextDay.runs).toHaveLength(1)
    expect(nextDay.runs).not.toEqual(runs)
  })

  test('not what a webhook has brought by the second look, be it a newer commit', async () => {
    await deploy()
    noteAll()
    note('acme/tools', 'refs/heads/dev', 'f'.repeat(40))
    note('acme/tools', 'refs/heads/main', 'f'.repeat(40))
    let looks = 0
    buckets.before = (request) => {
      if (request !== 'List refs/acme/tools/' || ++looks !== 2) return
      note('acme/tools', 'refs/heads/dev', shaOf('dev'), 'of-the-webhook')
      note('acme/tools', 'refs/heads/main', 'e'.repeat(40), 'of-a-later-push')
    }
    expect(await fire(THURSDAY)).toEqual({ runs: [] })
    expect(looks).toBe(2)
  })

  test('has a look taken at what GitHub has no more', async () => {
    await deploy()
    noteAll()
    note('acme/shells', 'refs/heads/release/0', 'f'.repeat(40))
    await fire(THURSDAY)
    expect(inputs()).toEqual([{ trigger: 'delete', repository: 'acme/shells', ref: 'refs/heads/release/0' }])
  })

  test('not again when it is on record that it is gone', async () => {
    await deploy()
    noteAll()
    note('acme/shells', 'refs/heads/release/0', 'f'.repeat(40))
    buckets.put(`state/${stateKeys.deletedRef('acme/shells', 'refs/heads/release/0')}`, {
      version: 1,
      since: '2026-03-12T13:00:00.000Z',
    })
    expect(await fire(THURSDAY)).toEqual({ runs: [] })
  })

  test('a branch that is called like the record of a deletion is a branch', async () => {
    await deploy({ ...THERE, 'acme/tools': { branches: ['main', 'dev'] } })
    noteAll()
    note('acme/shells', 'refs/heads/release/1.deleted', 'f'.repeat(40))
    await fire(THURSDAY)
    expect(inputs()).toMatchObject([{ trigger: 'delete', ref: 'refs/heads/release/1.deleted' }])
  })
})

describe('what fails for one repository keeps no other from being started, and is told at the end', () => {
  const lost = (): void => {
    noteAll()
    note('acme/tools', 'refs/heads/dev', 'f'.repeat(40))
  }
  const devOnly = [{ repository: 'acme/tools', ref: 'refs/heads/dev' }]

  test.each([
    ['GitHub is down for it', { isDown: 502 }, /acme\/shells: GitHubUnavailable: .*unicorn/],
    ['GitHub does not show it', { isHidden: true }, /acme\/shells: GitHubRefused: .*Not Found.*\(404\)/],
  ])('%s', async (_, repository, words) => {
    await deploy({ ...THERE, 'acme/shells': repository })
    lost()
    await expect(fire(THURSDAY)).rejects.toMatchObject({
      name: 'ScheduleIncomplete',
      message: expect.stringMatching(words) as string,
    })
    expect(inputs()).toMatchObject(devOnly)
  })

  test('there is no token for it', async () => {
    await deploy()
    lost()
    lambda.on(InvokeCommand, { Payload: '{"kind":"contents","repository":"acme/shells"}' }).resolves({
      FunctionError: 'Unhandled',
      Payload: payloadOf({ errorType: 'AppNotInstalled', errorMessage: 'the App is not installed' }),
    })
    await expect(fire(THURSDAY)).rejects.toThrow('acme/shells: NoToken: the App is not installed')
    expect(inputs()).toMatchObject(devOnly)
  })

  test('one run is not started', async () => {
    await deploy()
    lost()
    note('acme/tools', 'refs/heads/main', 'f'.repeat(40))
    sfn.on(StartExecutionCommand).rejectsOnce(new Error('ThrottlingException')).resolves({})
    await expect(fire(THURSDAY)).rejects.toThrow(
      'all the rest was started, but not\nacme/tools refs/heads/main: Error: ThrottlingException',
    )
    expect(started()).toHaveLength(2)
  })

  test('all are named', async () => {
    await deploy({ 'acme/shells': { isDown: 500 }, 'acme/tools': { isDown: 503 } })
    await expect(fire(THURSDAY)).rejects.toThrow(/acme\/shells.*\nacme\/tools/)
  })
})

test.each(['', 'yesterday', undefined])('an event with the time %j is none', async (time) => {
  await deploy()
  await expect(handler({ time }, context)).rejects.toMatchObject({ name: 'InvalidInput' })
})
