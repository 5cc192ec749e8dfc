import { describe, expect, test } from 'vitest'
import { noteDeletion } from '../../../functions/resolve/deleted-ref.ts'
import { headsOf } from '../../../functions/schedule/heads.ts'
import { gitHubClient } from '../../../functions/shared/github/client.ts'
import type { RepositoryConfig } from '../../../functions/shared/parse-config.ts'
import { readDelivery } from '../../../functions/webhook/delivery.ts'
import { checkRunWebhook } from '../../../local/github/check-run-webhook.ts'
import { checkSuiteWebhook } from '../../../local/github/check-suite-webhook.ts'
import { createWebhook } from '../../../local/github/create-webhook.ts'
import { deleteWebhook } from '../../../local/github/delete-webhook.ts'
import type { Delivery } from '../../../local/github/delivery.ts'
import type { CheckRun, Installation } from '../../../local/github/github.ts'
import { NO_COMMIT, pushWebhook } from '../../../local/github/push-webhook.ts'
import { Buckets } from '../../unit/functions/buckets.ts'
import { CONFIG } from '../../unit/functions/resolve/config.ts'
import { tokenOf } from '../github/app-token.ts'
import { acme, type Acme, git } from '../github/forge-of-acme.ts'

/*
 * What starts runs, against a GitHub of real git repositories that checks tokens and their permissions, and whose deliveries are valid by octokit's schemas.
 */
interface World extends Acme {
  installation: Installation
  /** of the App, narrowed as functions/shared/github/mint-token.ts narrows it for Resolve and the schedule */
  token: string
}

async function world(): Promise<World> {
  const made = await acme()
  const app = made.github.createApp({ owner: 'acme', permissions: { checks: 'write', contents: 'read' } })
  const installation = app.install('acme', ['acme/shells'])
  const token = await tokenOf(made, app, installation.id, {
    repositories: ['shells'],
    permissions: { contents: 'read' },
  })
  return { ...made, installation, token }
}

describe('the heads of a private repository, with a token that may read its contents', () => {
  const heads = async (
    { github, token }: World,
    refs: string[],
    tags: string[],
    name = 'acme/shells',
  ): Promise<Record<string, string>> =>
    Object.fromEntries(await headsOf(gitHubClient({ api: github.url, token }), { name, refs, tags }))

  test.each([
    ['by name', ['main', 'feature/x'], ['v1', 'v2']],
    ['by patterns', ['**'], ['v*']],
  ])('%s, annotated tags by the commit that they point at', async (_, refs, tags) => {
    const made = await world()
    expect(await heads(made, refs, tags)).toEqual({
      'refs/heads/main': made.second,
      'refs/heads/feature/x': made.first,
      'refs/tags/v1': made.first,
      'refs/tags/v2': made.second,
    })
  })

  test('of 230 branches: three requests', async () => {
    const made = await world()
    const names = Array.from({ length: 228 }, (_, index) => `team/${index}`)
    await git(made.work, 'fetch', '-q', '.', ...names.map((name) => `main:refs/heads/${name}`))
    const before = made.github.calls.length
    expect(Object.keys(await heads(made, ['**'], []))).toHaveLength(230)
    expect(made.github.calls.length - before).toBe(3)
  })

  test.each([
    ['by name', ['main']],
    ['by pattern', ['*']],
  ])('none, with an error, of a repository that the token does not reach, %s', async (_, refs) => {
    await expect(heads(await world(), refs, [], 'acme/inputs')).rejects.toMatchObject({
      name: 'GitHubRefused',
    })
  })
})

describe('a deletion that is delivered', () => {
  const [configured] = CONFIG.repositories as [RepositoryConfig]
  const note = async ({ github, token }: World, ref: string, name = configured.name) => {
    const buckets = new Buckets()
    const reason = await noteDeletion(
      buckets.bucket('state'),
      gitHubClient({ api: github.url, token }),
      { ...configured, name },
      { ref, run: 'r', started: '2026-03-12T19:00:00.000Z' },
    )
    return { reason, written: buckets.written }
  }

  test('of a branch that lives', async () => {
    const made = await world()
    expect(await note(made, 'refs/heads/main')).toEqual({
      reason: `refs/heads/main of acme/shells lives, at ${made.second}: its roots stay`,
      written: [],
    })
  })
  test('of a tag that is gone', async () => {
    const made = await world()
    await git(made.work, 'tag', '-d', 'v1')
    const { written } = await note(made, 'refs/tags/v1')
    expect(written).toEqual(['state/refs/acme/shells/deleted/refs%2Ftags%2Fv1.json'])
  })
  test('in a repository that the App may not see', async () => {
    await expect(note(await world(), 'refs/heads/main', 'acme/inputs')).resolves.toEqual({
      reason: 'GitHub does not show acme/inputs to Hearth, so refs/heads/main may live: its roots stay',
      written: [],
    })
  })
})

describe('what GitHub delivers', () => {
  const checkOf = ({ second, installation }: World): CheckRun => ({
    id: 7,
    suite: 8,
    repository: 'acme/shells',
    app: installation.app,
    head_sha: second,
    name: 'hearth',
    status: 'completed',
    conclusion: 'failure',
    started_at: '2026-01-01T00:00:00Z',
    completed_at: '2026-01-01T00:01:00Z',
    details_url: 'https://example.org/run',
    external_id: 'refs/tags/v2',
    output: { title: 'a', summary: 'b', text: null },
    annotations: [],
    history: [],
  })
  const SECRET = 'hush'
  type Line = [what: string, make: (world: World) => Promise<Delivery>, asks: (world: World) => object]
  const run = (input: object) => ({ kind: 'run', input: { repository: 'acme/shells', ...input } })
  const lines: Line[] = [
    [
      'a push',
      ({ shells: repository, first, second }) =>
        pushWebhook({ repository, ref: 'refs/heads/main', before: first, after: second }, SECRET),
      ({ second }) => run({ trigger: 'push', ref: 'refs/heads/main', commit: second }),
    ],
    [
      'a push that deletes',
      ({ shells: repository, second }) =>
        pushWebhook({ repository, ref: 'refs/heads/main', before: second, after: NO_COMMIT }, SECRET),
      () => ({ kind: 'ignored' }),
    ],
    [
      'a new branch',
      ({ shells: repository }) => createWebhook({ repository, ref: 'refs/heads/feature/x' }, SECRET),
      () => ({ kind: 'ignored' }),
    ],
    [
      'a deleted branch',
      ({ shells: repository }) => deleteWebhook({ repository, ref: 'refs/heads/feature/x' }, SECRET),
      () => run({ trigger: 'delete', ref: 'refs/heads/feature/x' }),
    ],
    [
      'a check that is to run again, of a tag',
      (made) =>
        checkRunWebhook(
          { repository: made.shells, run: checkOf(made), installation: made.installation },
          SECRET,
        ),
      ({ second }) => run({ trigger: 'rerun', ref: 'refs/tags/v2', commit: second, retryFailed: true }),
    ],
    [
      'all checks that are to run again: GitHub names a branch',
      (made) =>
        checkSuiteWebhook(
          { repository: made.shells, run: checkOf(made), installation: made.installation },
          SECRET,
        ),
      ({ second }) => run({ trigger: 'rerun', ref: 'refs/heads/main', commit: second, retryFailed: true }),
    ],
  ]
  test.each(lines)('%s', async (_, make, asks) => {
    const made = await world()
    const { headers, body } = await make(made)
    expect(readDelivery(headers['x-github-event'] ?? '', undefined, body)).toMatchObject(asks(made))
  })
  test('an annotated tag, by its commit', async () => {
    const made = await world()
    const after = await git(made.work, 'rev-parse', 'refs/tags/v2')
    const { body } = await pushWebhook(
      { repository: made.shells, ref: 'refs/tags/v2', before: NO_COMMIT, after },
      SECRET,
    )
    expect(after).not.toBe(made.second)
    expect(readDelivery('push', undefined, body)).toMatchObject({ input: { commit: made.second } })
  })
})
