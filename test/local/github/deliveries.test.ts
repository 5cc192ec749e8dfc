import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { verify } from '@octokit/webhooks-methods'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { describe, expect, test } from 'vitest'
import { checkRunWebhook } from '../../../local/github/check-run-webhook.ts'
import { checkSuiteWebhook } from '../../../local/github/check-suite-webhook.ts'
import { createWebhook } from '../../../local/github/create-webhook.ts'
import { deleteWebhook } from '../../../local/github/delete-webhook.ts'
import type { Delivery } from '../../../local/github/delivery.ts'
import type { CheckRun, Installation } from '../../../local/github/github.ts'
import { installationRepositoriesWebhook } from '../../../local/github/installation-repositories-webhook.ts'
import { installationWebhook } from '../../../local/github/installation-webhook.ts'
import { pingWebhook } from '../../../local/github/ping-webhook.ts'
import { NO_COMMIT, pushWebhook } from '../../../local/github/push-webhook.ts'
import { acme, type Acme, commit, git } from './forge-of-acme.ts'

const SECRET = 'hush'

// octokit's description of every delivery
const schema = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('@octokit/webhooks-schemas/schema.json'), 'utf8'),
) as { definitions: Record<string, object> }
const ajv = new Ajv({ strict: false, allErrors: true })
addFormats.default(ajv)

function faults(definition: string, body: string): unknown {
  const validate = ajv.compile({ $ref: `#/definitions/${definition}`, definitions: schema.definitions })
  validate(JSON.parse(body))
  return validate.errors ?? []
}

interface World extends Acme {
  installation: Installation
  run: CheckRun
  /** the tag's own object */
  tag: string
}

/** An App of acme that has reported on the head of main. */
async function world(): Promise<World> {
  const made = await acme()
  const app = made.github.createApp({ owner: 'acme', permissions: { checks: 'write', contents: 'read' } })
  const installation = app.install('acme', ['acme/shells'])
  const run: CheckRun = {
    id: 7,
    suite: 8,
    repository: 'acme/shells',
    app: installation.app,
    head_sha: made.second,
    name: 'hearth',
    status: 'completed',
    conclusion: 'failure',
    started_at: '2026-01-01T00:00:00Z',
    completed_at: '2026-01-01T00:01:00Z',
    details_url: 'https://example.org/run',
    external_id: 'run-1',
    output: { title: 'a', summary: 'b', text: null },
    annotations: [],
    history: [],
  }
  return { ...made, installation, run, tag: await git(made.work, 'rev-parse', 'refs/tags/v2') }
}

describe('every delivery is signed, and valid by the schema of its event', () => {
  test.each<[string, string, (world: World) => Promise<Delivery>, object]>([
    [
      'push$event',
      'a push to a branch, through an App',
      ({ shells: repository, first, second, installation }) =>
        pushWebhook(
          { repository, ref: 'refs/heads/main', before: first, after: second, installation },
          SECRET,
        ),
      {
        created: false,
        deleted: false,
        forced: false,
        installation: { id: 5001 },
        commits: [{ added: ['b'] }],
      },
    ],
    [
      'push$event',
      "a push to a branch, to a repository's own webhook",
      ({ shells: repository, second }) =>
        pushWebhook({ repository, ref: 'refs/heads/main', before: NO_COMMIT, after: second }, SECRET),
      { created: true, commits: [{}, {}] },
    ],
    [
      'push$event',
      'a tag',
      ({ shells: repository, first, installation }) =>
        pushWebhook(
          { repository, ref: 'refs/tags/v1', before: NO_COMMIT, after: first, installation },
          SECRET,
        ),
      { created: true, commits: [], base_ref: 'refs/heads/feature/x' },
    ],
    [
      'push$event',
      'a deleted branch',
      ({ shells: repository, second }) =>
        pushWebhook({ repository, ref: 'refs/heads/main', before: second, after: NO_COMMIT }, SECRET),
      { deleted: true, head_commit: null },
    ],
    [
      'create$event',
      'a new branch',
      ({ shells: repository, installation }) =>
        createWebhook({ repository, ref: 'refs/heads/feature/x', installation }, SECRET),
      { ref: 'feature/x', ref_type: 'branch', master_branch: 'main' },
    ],
    [
      'delete$event',
      'a deleted branch, besides its push',
      ({ shells: repository, installation }) =>
        deleteWebhook({ repository, ref: 'refs/heads/feature/x', installation }, SECRET),
      { ref: 'feature/x', ref_type: 'branch', installation: { id: 5001 } },
    ],
    [
      'delete$event',
      'a deleted tag',
      ({ shells: repository }) => deleteWebhook({ repository, ref: 'refs/tags/v1' }, SECRET),
      { ref: 'v1', ref_type: 'tag' },
    ],
    [
      'check_run$rerequested',
      'one check is to run again',
      ({ shells: repository, run, installation }) =>
        checkRunWebhook({ repository, run, installation }, SECRET),
      { check_run: { id: 7, external_id: 'run-1', check_suite: { id: 8, head_branch: 'main' } } },
    ],
    [
      'check_suite$rerequested',
      'all checks are to run again',
      ({ shells: repository, run, installation }) =>
        checkSuiteWebhook({ repository, run, installation }, SECRET),
      { check_suite: { id: 8, head_branch: 'main' } },
    ],
    [
      'installation$created',
      'an App is installed',
      ({ shells, installation }) =>
        installationWebhook({ action: 'created', installation, repositories: [shells] }, SECRET),
      { action: 'created', repositories: [{ full_name: 'acme/shells' }] },
    ],
    [
      'installation$deleted',
      'an App is uninstalled',
      ({ shells, installation }) =>
        installationWebhook({ action: 'deleted', installation, repositories: [shells] }, SECRET),
      { action: 'deleted' },
    ],
    [
      'installation_repositories$added',
      'an App is given a repository',
      ({ shells, installation }) =>
        installationRepositoriesWebhook({ action: 'added', installation, repositories: [shells] }, SECRET),
      { repositories_added: [{ full_name: 'acme/shells' }], repositories_removed: [] },
    ],
    [
      'installation_repositories$removed',
      'an App loses a repository',
      ({ shells, installation }) =>
        installationRepositoriesWebhook({ action: 'removed', installation, repositories: [shells] }, SECRET),
      { repositories_removed: [{ full_name: 'acme/shells' }], repositories_added: [] },
    ],
    [
      'ping$event',
      'a new webhook of a repository',
      ({ shells: repository }) => pingWebhook({ repository }, SECRET),
      { hook: { type: 'Repository' } },
    ],
    [
      'ping$event',
      'the webhook of a new App',
      ({ installation }) => pingWebhook({ app: installation.app }, SECRET),
      { hook: { type: 'App' } },
    ],
  ])('%s: %s', async (definition, _, make, expected) => {
    const { headers, body } = await make(await world())
    expect(faults(definition, body)).toEqual([])
    expect(JSON.parse(body)).toMatchObject(expected)
    expect(headers['x-github-event']).toBe(definition.replace(/\$.*/, ''))
    expect(await verify(SECRET, body, headers['x-hub-signature-256'] ?? '')).toBe(true)
    expect(await verify('other', body, headers['x-hub-signature-256'] ?? '')).toBe(false)
  })

  test('an annotated tag: `after` is its own object, the head is its commit', async () => {
    const { shells: repository, second, tag } = await world()
    expect(tag).not.toBe(second)
    const { body } = await pushWebhook(
      { repository, ref: 'refs/tags/v2', before: NO_COMMIT, after: tag },
      SECRET,
    )
    expect(faults('push$event', body)).toEqual([])
    expect(JSON.parse(body)).toMatchObject({
      after: tag,
      head_commit: { id: second },
      base_ref: 'refs/heads/main',
    })
  })

  test('a push that rewrites a branch is forced', async () => {
    const { shells: repository, work, first, second } = await world()
    await git(work, 'reset', '-q', '--hard', first)
    const other = await commit(work, 'c', '3')
    const { body } = await pushWebhook(
      { repository, ref: 'refs/heads/main', before: second, after: other },
      SECRET,
    )
    expect(JSON.parse(body)).toMatchObject({ forced: true, commits: [{ id: other }] })
  })
})
