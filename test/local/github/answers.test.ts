import { describe, expect, test } from 'vitest'
import { gitHubClient } from '../../../functions/shared/github/client.ts'
import { headOf } from '../../../functions/shared/github/head-of.ts'
import { faultsOfAnswer } from '../../../local/github/operations.ts'
import { appToken, tokenOf } from './app-token.ts'
import { acme, git } from './forge-of-acme.ts'

const PERMISSIONS = { checks: 'write', statuses: 'write', contents: 'read' }

describe("answers have what GitHub's own description of them says", () => {
  test('every operation', async () => {
    const world = await acme()
    const { github, work, second } = world
    const app = github.createApp({
      owner: 'acme',
      permissions: PERMISSIONS,
      webhookUrl: 'https://example.org/hook',
    })
    const { id: installation_id } = app.install('acme', ['acme/shells'])
    const asking =
      (token: string) =>
      (route: string, parameters: Record<string, unknown> = {}): Promise<{ data: unknown }> =>
        world.as(token)(route, parameters)
    const asApp = asking(appToken(app))
    const request = asking(await tokenOf(world, app, installation_id, {}))
    const tag = await git(work, 'rev-parse', 'refs/tags/v2')
    const status = { state: 'success', target_url: 'https://example.org', sha: second }
    const annotations = [{ path: 'a', start_line: 1, end_line: 1, annotation_level: 'notice', message: 'x' }]
    const output = { title: 't', summary: 's', annotations }
    const repos = '/repos/{owner}/{repo}'
    const check = await request(`POST ${repos}/check-runs`, { name: 'hearth', head_sha: second, output })
    const { id: check_run_id } = check.data as { id: number }
    const answers: [string, Promise<{ data: unknown }> | { data: unknown }][] = [
      ['checks/create', check],
      ['repos/create-commit-status', request(`POST ${repos}/statuses/{sha}`, status)],
      [
        'checks/update',
        request(`PATCH ${repos}/check-runs/{check_run_id}`, { check_run_id, conclusion: 'neutral' }),
      ],
      ['checks/get', request(`GET ${repos}/check-runs/{check_run_id}`, { check_run_id })],
      [
        'checks/list-annotations',
        request(`GET ${repos}/check-runs/{check_run_id}/annotations`, { check_run_id }),
      ],
      ['checks/list-for-ref', request(`GET ${repos}/commits/{ref}/check-runs`, { ref: 'main' })],
      ['repos/list-commit-statuses-for-ref', request(`GET ${repos}/commits/{ref}/statuses`, { ref: 'main' })],
      ['repos/get', request(`GET ${repos}`)],
      ['repos/get-commit', request(`GET ${repos}/commits/{ref}`, { ref: 'v2' })],
      ['repos/list-branches', request(`GET ${repos}/branches`)],
      ['repos/list-tags', request(`GET ${repos}/tags`)],
      ['git/get-ref', request(`GET ${repos}/git/ref/tags/v2`)],
      ['git/get-tag', request(`GET ${repos}/git/tags/${tag}`)],
      ['git/list-matching-refs', request(`GET ${repos}/git/matching-refs/tags`)],
      ['rate-limit/get', request('GET /rate_limit')],
      ['apps/list-repos-accessible-to-installation', request('GET /installation/repositories')],
      ['apps/get-authenticated', asApp('GET /app')],
      ['apps/get-repo-installation', asApp(`GET ${repos}/installation`)],
      [
        'apps/create-installation-access-token',
        asApp('POST /app/installations/{installation_id}/access_tokens', {
          installation_id,
          repositories: ['shells'],
        }),
      ],
      ['apps/get-webhook-config-for-app', asApp('GET /app/hook/config')],
      ['apps/update-webhook-config-for-app', asApp('PATCH /app/hook/config', { secret: 'new' })],
    ]
    for (const [operation, answer] of answers)
      expect([operation, ...faultsOfAnswer(operation, (await answer).data)]).toEqual([operation])
    expect(app.webhookSecret).toBe('new')
  })
})

describe('refs', () => {
  test('a tag leads to its commit, annotated or not', async () => {
    const { github, first, second } = await acme()
    const client = gitHubClient({ api: github.url })
    expect(await headOf(client, 'acme/open', 'refs/tags/v1')).toBe(first)
    expect(await headOf(client, 'acme/open', 'refs/tags/v2')).toBe(second)
    expect(await headOf(client, 'acme/open', 'refs/tags/v3')).toBeUndefined()
  })

  test('tags are listed with their commits, refs with their own objects', async () => {
    const { as, first, second, work } = await acme()
    const tags = await as()('GET /repos/acme/open/tags')
    expect(tags.data).toMatchObject([
      { name: 'v1', commit: { sha: first } },
      { name: 'v2', commit: { sha: second } },
    ])
    const refs = await as()('GET /repos/acme/open/git/matching-refs/tags/v2')
    expect(refs.data).toMatchObject([
      { ref: 'refs/tags/v2', object: { type: 'tag', sha: await git(work, 'rev-parse', 'refs/tags/v2') } },
    ])
  })

  test('a long list comes in pages, each of which says where the others are', async () => {
    const { as, work } = await acme()
    for (let number = 10; number < 15; number++) await git(work, 'branch', `more-${number}`)
    const names: string[] = []
    let address: string | undefined = '/repos/acme/open/branches?per_page=3'
    const links: unknown[] = []
    while (address !== undefined) {
      const { data, headers }: { data: { name: string }[]; headers: { link?: string } } = await as()(
        `GET ${address}`,
      )
      names.push(...data.map(({ name }) => name))
      links.push(headers.link?.match(/rel="\w+"/g)?.map((rel) => rel.slice(5, -1)))
      address = /<([^>]+)>; rel="next"/.exec(headers.link ?? '')?.[1]
    }
    expect(names).toEqual(['feature/x', 'main', 'more-10', 'more-11', 'more-12', 'more-13', 'more-14'])
    expect(links).toEqual([
      ['next', 'last'],
      ['prev', 'next', 'last', 'first'],
      ['prev', 'first'],
    ])
  })
})
