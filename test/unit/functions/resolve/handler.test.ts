import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { mockClient } from 'aws-sdk-client-mock'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/resolve/index.ts'
import { evaluationIdentity } from '../../../../functions/shared/evaluation-identity.ts'
import type { EvaluationJob } from '../../../../functions/shared/contract.ts'
import { storedConfig } from '../../../../functions/shared/config.ts'
import { Buckets } from '../buckets.ts'
import { serve } from '../http-server.ts'
import { captureLog, context, payloadOf } from '../lambda.ts'
import { CONFIG } from './config.ts'

const HEAD = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'
const OLDER = '0000000000000000000000000000000000000001'
const RUN = 'push-acme-shells-1'
const EVALUATOR = { bundle: 'builders/x.zip', nixVersion: '2.34.8' }

let buckets: Buckets
let handler: typeof Handler
let config: ReturnType<typeof storedConfig>
/** whether GitHub shows the repository: one that it hides has no refs either */
let isShown: boolean

beforeEach(async () => {
  vi.stubEnv('STATE_BUCKET', 'state')
  vi.stubEnv('TOKEN_FUNCTION', 'token')
  vi.stubEnv('BUILDER_BUNDLE', EVALUATOR.bundle)
  vi.stubEnv('NIX_VERSION', EVALUATOR.nixVersion)
  captureLog()
  mockClient(LambdaClient)
    .on(InvokeCommand)
    .resolves({ Payload: payloadOf({ isApp: false }) })
  buckets = new Buckets()
  ;({ handler } = await import('../../../../functions/resolve/index.ts'))
  isShown = true
  // a GitHub that knows acme/shells and its main, and nothing else
  const api = await serve((request, response) => {
    const isKnown =
      isShown && ['/repos/acme/shells', '/repos/acme/shells/git/ref/heads/main'].includes(request.url ?? '')
    response
      .writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' })
      .end(JSON.stringify(isKnown ? { object: { sha: HEAD } } : { message: 'Not Found' }))
  })
  config = storedConfig({ ...CONFIG, github: { ...CONFIG.github, api } })
  buckets.put('state/config/current.json', config)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const STARTED = '2026-03-12T19:00:00.000Z'
const resolve = (input: unknown, run = RUN, started = STARTED) => handler({ run, started, input }, context)
const push = { trigger: 'push', repository: 'acme/shells', ref: 'refs/heads/main', commit: OLDER }

describe('a run with work to do leaves its job for the evaluator', () => {
  test.each([
    ['the commit of a push, though its branch went on', push, OLDER],
    ['the head, when no commit is named', { repository: 'acme/shells', ref: 'main' }, HEAD],
  ])('%s', async (_, input, commit) => {
    expect(await resolve(input)).toEqual({ verdict: 'evaluate', job: `runs/${RUN}/job.json` })
    expect(buckets.json(`state/runs/${RUN}/job.json`)).toEqual({
      kind: 'evaluate',
      run: RUN,
      target: { repository: 'acme/shells', ref: 'refs/heads/main', commit },
      source: 'https://git.example.org/acme/shells.git',
      attributes: ['devShells'],
      systems: ['x86_64-linux', 'aarch64-linux'],
      limits: { secondsPerSystem: 1800, megabytes: 6144 },
      publicKeys: [],
      upstreams: [],
      config: config.sha256,
      started: STARTED,
      identity: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    })
  })
})

test('the inputs of the flake are kept warm when the repository’s configuration says so', async () => {
  const wanted = config.config.repositories.map((one) => ({ ...one, flakeInputs: true }))
  buckets.put('state/config/current.json', storedConfig({ ...config.config, repositories: wanted }))
  await resolve(push)
  expect(buckets.json(`state/runs/${RUN}/job.json`)).toMatchObject({ flakeInputs: true })
})

test('GitHub’s spelling of a repository is hearth.yml’s from here on', async () => {
  await resolve({ ...push, repository: 'Acme/SHELLS', commit: HEAD })
  expect(jobOf()).toMatchObject({
    target: { repository: 'acme/shells' },
    source: 'https://git.example.org/acme/shells.git',
  })
  expect(buckets.keys('state')).toContain('refs/acme/shells/refs%2Fheads%2Fmain.json')
})

describe('a run of other attributes than hearth.yml’s', () => {
  const partial = { ...push, commit: HEAD, attributes: ['devShells.ci'] }

  test('evaluates those, and says so in its job', async () => {
    expect(await resolve(partial)).toMatchObject({ verdict: 'evaluate' })
    expect(jobOf()).toMatchObject({ attributes: ['devShells.ci'], isPartial: true })
  })
  test('also when the commit is warm', async () => {
    buckets.put(`state/warmed/acme/shells/${HEAD}.json`, warmed(config.sha256))
    expect(await resolve(partial)).toMatchObject({ verdict: 'evaluate' })
    expect(jobOf()).not.toHaveProperty('warmedBy')
  })
  test('is not the newest of its ref: the whole of it has still to be warmed', async () => {
    await resolve(partial)
    expect(buckets.keys('state')).not.toContain('refs/acme/shells/refs%2Fheads%2Fmain.json')
  })
  test('is no evaluation of the commit', async () => {
    await resolve(partial, 'partial')
    await resolve({ ...push, commit: HEAD }, 'whole')
    expect(jobOf('partial').identity).not.toBe(jobOf('whole').identity)
  })
  test('is refused when no system of the repository has them, also after a push', async () => {
    await expect(resolve({ ...partial, attributes: ['packages.x86_64-darwin.hello'] })).rejects.toMatchObject(
      { name: 'InvalidRunInput' },
    )
  })
})

test('a run that is asked for it builds again what failed before', async () => {
  await resolve({ ...push, retryFailed: true })
  expect(buckets.json(`state/runs/${RUN}/job.json`)).toMatchObject({ retryFailed: true })
})

describe('the newest run of a ref', () => {
  const NEWEST = 'state/refs/acme/shells/refs%2Fheads%2Fmain.json'
  const newest = () => (buckets.json(NEWEST) as { run?: string } | undefined)?.run

  test('is the one that warms its head', async () => {
    await resolve({ ...push, commit: HEAD })
    expect(buckets.json(NEWEST)).toEqual({ version: 1, run: RUN, commit: HEAD, started: STARTED })
  })
  test('is the one that was started last, whoever comes here first', async () => {
    await resolve({ ...push, commit: HEAD }, 'later', '2026-03-12T19:00:02.000Z')
    await resolve({ ...push, commit: HEAD }, 'earlier', '2026-03-12T19:00:01.000Z')
    expect(newest()).toBe('later')
  })
  test('is none that warms an older commit', async () => {
    await resolve(push)
    expect(newest()).toBeUndefined()
  })
  test('is also one that has nothing to do, because its commit is warm', async () => {
    buckets.put(`state/warmed/acme/shells/${HEAD}.json`, warmed(config.sha256))
    await resolve({ ...push, commit: HEAD })
    expect(newest()).toBe(RUN)
  })
})

const warmed = (sha256: string) => ({ version: 1, run: 'push-acme-shells-0', wave: 2, config: sha256 })

describe('a commit that is warm goes straight on', () => {
  test('under the same configuration', async () => {
    buckets.put(`state/warmed/acme/shells/${OLDER}.json`, warmed(config.sha256))
    expect(await resolve(push)).toEqual({
      verdict: 'unchanged',
      reason: `${OLDER} was warmed by the run push-acme-shells-0`,
    })
    // Record reads it, to refresh the roots of this very ref
    expect(buckets.json(`state/runs/${RUN}/job.json`)).toMatchObject({ target: { commit: OLDER } })
  })

  test.each([
    ['under another configuration', OLDER, 'f'.repeat(64)],
    ['another commit', HEAD, ''],
  ])('not: %s', async (_, commit, sha256) => {
    buckets.put(`state/warmed/acme/shells/${commit}.json`, warmed(sha256 || config.sha256))
    expect(await resolve(push)).toMatchObject({ verdict: 'evaluate' })
    expect(jobOf()).not.toHaveProperty('warmedBy')
  })
})

const jobOf = (run = RUN) => buckets.json(`state/runs/${run}/job.json`) as EvaluationJob

describe('a commit that an earlier run has evaluated is planned without an evaluator', () => {
  const earlier = async (broken = 0): Promise<void> => {
    await resolve(push, 'earlier')
    const { identity = '' } = jobOf('earlier')
    expect(identity).toBe(evaluationIdentity(jobOf('earlier'), EVALUATOR))
    buckets.put(`state/evaluations/${identity}.json`, {
      version: 1,
      run: 'earlier',
      evaluation: '"e"',
      broken,
    })
  }
  const PLANNED = { verdict: 'plan', job: `runs/${RUN}/job.json` }

  test('by any run', async () => {
    await earlier()
    expect(await resolve(push)).toEqual(PLANNED)
  })
  test('also when it is warm: caches may have lost something since, and Plan is told whose work it was', async () => {
    await earlier()
    buckets.put(`state/warmed/acme/shells/${OLDER}.json`, warmed(config.sha256))
    expect(await resolve(push)).toEqual(PLANNED)
    expect(jobOf().warmedBy).toBe('push-acme-shells-0')
  })
  test.each([
    ['attributes that do not evaluate are not evaluated again by the next push', false, 'plan'],
    ['but when somebody asks for what failed to be tried again', true, 'evaluate'],
  ])('%s', async (_, retryFailed, verdict) => {
    await earlier(1)
    expect(await resolve({ ...push, retryFailed })).toMatchObject({ verdict })
  })
  test('what failed to build is tried again without an evaluator', async () => {
    await earlier()
    expect(await resolve({ ...push, retryFailed: true })).toEqual(PLANNED)
  })
  test.each([
    ['other attributes', () => ({ attributes: ['packages'] })],
    ['other systems', () => ({ systems: ['x86_64-linux'] })],
  ])('not under a configuration with %s', async (_, changes) => {
    await earlier()
    const changed = config.config.repositories.map((one) => ({ ...one, ...changes() }))
    buckets.put('state/config/current.json', storedConfig({ ...config.config, repositories: changed }))
    expect(await resolve(push)).toMatchObject({ verdict: 'evaluate' })
  })
  test.each([
    ['evaluator', 'BUILDER_BUNDLE', 'builders/y.zip'],
    ['Nix', 'NIX_VERSION', '2.35.0'],
  ])('not by another %s', async (_, variable, value) => {
    await earlier()
    vi.stubEnv(variable, value)
    expect(await resolve(push)).toMatchObject({ verdict: 'evaluate' })
  })
})

describe('what is not ours to warm', () => {
  const gone = { ...push, ref: 'refs/heads/release/gone' }
  const cases: [string, object, string, string][] = [
    [
      'an unknown repository',
      { ...push, repository: 'acme/unknown' },
      'NotConfigured',
      'acme/unknown is not among the repositories of hearth.yml: add it and run `hearth config push`',
    ],
    [
      'a branch that is not configured',
      { ...push, ref: 'refs/heads/feature' },
      'NotConfigured',
      'refs/heads/feature is not among the refs of acme/shells in hearth.yml (main, release/*, tag v*)',
    ],
    [
      'a branch that is gone by now',
      gone,
      'RefNotFound',
      'GitHub knows no refs/heads/release/gone in acme/shells: it may have been deleted since this run was started',
    ],
  ]
  test.each(cases)('%s is ignored after a push', async (_, input, _name, reason) => {
    expect(await resolve(input)).toEqual({ verdict: 'ignored', reason })
  })
  test.each(cases)('%s is ignored by the schedule', async (_, input, _name, reason) => {
    expect(await resolve({ ...input, trigger: 'schedule' })).toEqual({ verdict: 'ignored', reason })
  })
  test.each(cases)('%s is an error for the person who asked for it', async (_, input, name, message) => {
    await expect(resolve({ ...input, trigger: 'hand' })).rejects.toMatchObject({ name, message })
  })
  test.each(cases)('%s leaves no job', async (_, input) => {
    await resolve(input)
    expect(buckets.keys('state')).toEqual(['config/current.json'])
  })
})

describe('a ref that is said to be deleted', () => {
  const said = { trigger: 'delete', repository: 'Acme/shells', ref: 'refs/heads/release/gone' }
  test('is ignored when it lives, and nothing is written', async () => {
    const reason = `refs/heads/main of acme/shells lives, at ${HEAD}: its roots stay`
    expect(await resolve({ ...said, ref: 'refs/heads/main' })).toEqual({ verdict: 'ignored', reason })
    expect(buckets.keys('state')).toEqual(['config/current.json'])
  })
  test('is ignored in a repository that is not configured', async () => {
    expect(await resolve({ ...said, repository: 'acme/unknown' })).toMatchObject({
      verdict: 'ignored',
      reason: expect.stringContaining('acme/unknown is not among') as string,
    })
  })
  test('is not called deleted when GitHub shows nothing of its repository', async () => {
    isShown = false
    expect(await resolve(said)).toEqual({
      verdict: 'ignored',
      reason:
        'GitHub does not show acme/shells to Hearth, so refs/heads/release/gone may live: its roots stay',
    })
  })
})

describe('what is never ignored', () => {
  test.each(['push', 'schedule', 'rerun', 'hand'])(
    'a repository of hearth.yml that GitHub does not show, by %s: the credentials are to be looked at',
    async (trigger) => {
      isShown = false
      await expect(resolve({ ...push, trigger })).rejects.toMatchObject({
        name: 'RepositoryNotShown',
        message: expect.stringContaining('`hearth github status`') as string,
      })
    },
  )
  test('a GitHub that does not answer, also after a push', async () => {
    buckets.put('state/config/current.json', storedConfig(CONFIG))
    await expect(resolve(push)).rejects.toMatchObject({ name: 'GitHubUnavailable' })
  })
  test('an input that is none', async () => {
    await expect(resolve({ repository: 'shells' })).rejects.toMatchObject({ name: 'InvalidRunInput' })
  })
  test('a configuration that was never pushed', async () => {
    buckets.objects.clear()
    await expect(resolve(push)).rejects.toMatchObject({
      name: 'ObjectNotFound',
      message: 'there is no object config/current.json in the bucket state',
    })
  })
  test('a payload that the state machine does not send', async () => {
    await expect(handler({ input: push, started: STARTED }, context)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: 'run: Invalid input: expected string, received undefined',
    })
  })
})
