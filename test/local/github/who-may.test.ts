import { describe, expect, test } from 'vitest'
import type { Permissions } from '../../../local/github/tokens.ts'
import { acme, type Acme } from './forge-of-acme.ts'
import { appToken, tokenOf } from './app-token.ts'

const READ = { contents: 'read', checks: 'read', statuses: 'read' }
const REPORT = { checks: 'write', statuses: 'write' }

interface Parties {
  nobody: undefined
  /** reads everything of acme/shells */
  reader: string
  /** as Hearth's Report: writes checks and statuses, and reads no contents */
  reporter: string
  /** a personal token for acme/shells that may do whatever such a token may */
  person: string
  /** of the same App, for acme/inputs */
  elsewhere: string
  stale: string
}

async function parties(): Promise<Acme & { tokens: Parties }> {
  const world = await acme()
  const app = world.github.createApp({ owner: 'acme', permissions: { ...READ, ...REPORT } })
  const { id } = app.install('acme', 'all')
  const make = (permissions: Permissions, repository = 'shells'): Promise<string> =>
    tokenOf(world, app, id, { permissions, repositories: [repository] })
  const permissions = { contents: 'read', statuses: 'write' }
  return {
    ...world,
    tokens: {
      nobody: undefined,
      reader: await make(READ),
      reporter: await make(REPORT),
      person: world.github.createToken({ repositories: ['acme/shells'], permissions }),
      elsewhere: await make({ ...READ, ...REPORT }, 'inputs'),
      stale: 'ghs_0000000000000000000000000000000000000',
    },
  }
}

const ok = 200
const made = 201
const STATUS = { state: 'success' }

describe('a private repository', () => {
  // who sees it at all, and who may do what there
  test.each<[string, object, Record<keyof Parties, number>]>([
    [
      'GET /repos/acme/shells',
      {},
      { nobody: 404, reader: ok, reporter: ok, person: ok, elsewhere: 404, stale: 401 },
    ],
    [
      'GET /repos/acme/shells/commits/main',
      {},
      { nobody: 404, reader: ok, reporter: 403, person: ok, elsewhere: 404, stale: 401 },
    ],
    [
      'GET /repos/acme/shells/git/ref/heads/main',
      {},
      { nobody: 404, reader: ok, reporter: 403, person: ok, elsewhere: 404, stale: 401 },
    ],
    [
      'GET /repos/acme/shells/git/matching-refs/tags/v',
      {},
      { nobody: 404, reader: ok, reporter: 403, person: ok, elsewhere: 404, stale: 401 },
    ],
    [
      'GET /repos/acme/shells/branches',
      {},
      { nobody: 404, reader: ok, reporter: 403, person: ok, elsewhere: 404, stale: 401 },
    ],
    [
      'GET /repos/acme/shells/commits/main/statuses',
      {},
      { nobody: 404, reader: ok, reporter: ok, person: ok, elsewhere: 404, stale: 401 },
    ],
    [
      'GET /repos/acme/shells/commits/main/check-runs',
      {},
      { nobody: 404, reader: ok, reporter: ok, person: 403, elsewhere: 404, stale: 401 },
    ],
    [
      'POST /repos/acme/shells/statuses/{sha}',
      STATUS,
      { nobody: 404, reader: 403, reporter: made, person: made, elsewhere: 404, stale: 401 },
    ],
    [
      'POST /repos/acme/shells/check-runs',
      { name: 'hearth', head_sha: '{sha}' },
      { nobody: 404, reader: 403, reporter: made, person: 403, elsewhere: 404, stale: 401 },
    ],
  ])('%s', async (route, body, expected) => {
    const world = await parties()
    const statuses = await statusesOf(world, route, body)
    expect(statuses).toEqual(expected)
  })
})

describe('a public repository', () => {
  test.each<[string, object, Partial<Record<keyof Parties, number>>]>([
    [
      'GET /repos/acme/open/commits/main',
      {},
      { nobody: ok, reader: ok, elsewhere: ok, person: ok, stale: 401 },
    ],
    ['GET /repos/acme/open/commits/main/check-runs', {}, { nobody: ok, reader: ok, person: ok }],
    [
      'POST /repos/acme/open/statuses/{sha}',
      STATUS,
      { nobody: 401, reader: 403, reporter: 403, person: 403 },
    ],
  ])('%s', async (route, body, expected) => {
    const world = await parties()
    expect(await statusesOf(world, route, body)).toMatchObject(expected)
  })
})

async function statusesOf(
  { as, tokens, second }: Acme & { tokens: Parties },
  route: string,
  body: object,
): Promise<Record<string, number>> {
  const filled = JSON.parse(JSON.stringify(body).replaceAll('{sha}', second)) as Record<string, unknown>
  const found: Record<string, number> = {}
  for (const [who, token] of Object.entries(tokens))
    found[who] = await as(token)(route.replace('{sha}', second), filled).then(
      ({ status }) => status,
      (error: { status: number }) => error.status,
    )
  return found
}

describe("GitHub's words", () => {
  test.each<[string, keyof Parties, string, string]>([
    ['of an App', 'reader', 'POST /repos/acme/shells/check-runs', 'Resource not accessible by integration'],
    [
      'of a person',
      'person',
      'POST /repos/acme/shells/check-runs',
      'Resource not accessible by personal access token',
    ],
    ['of nobody', 'nobody', 'POST /repos/acme/open/check-runs', 'Requires authentication'],
    ['of a stale token', 'stale', 'GET /repos/acme/open', 'Bad credentials'],
  ])('to a request %s', async (_, who, route, words) => {
    const { as, tokens } = await parties()
    await expect(as(tokens[who])(route)).rejects.toMatchObject({
      message: expect.stringContaining(words),
    })
  })

  test('with the permission that is lacking', async () => {
    const { as, tokens } = await parties()
    const error = await as(tokens.reader)('POST /repos/acme/shells/check-runs').catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({
      response: { headers: { 'x-accepted-github-permissions': 'checks=write' } },
    })
  })
})

describe('what an installation reaches changes', () => {
  test('a repository that is taken from it, and one that it is given', async () => {
    const world = await acme()
    const app = world.github.createApp({ owner: 'acme', permissions: READ })
    const installation = app.install('acme', ['acme/shells'])
    const token = await tokenOf(world, app, installation.id, {})
    const statuses = async (): Promise<number[]> =>
      Promise.all(
        ['shells', 'inputs'].map((repo) =>
          world
            .as(token)('GET /repos/{owner}/{repo}', { owner: 'acme', repo })
            .then(
              ({ status }) => status as number,
              (error: { status: number }) => error.status,
            ),
        ),
      )
    expect(await statuses()).toEqual([200, 404])
    const { data } = await world.as(token)('GET /installation/repositories')
    expect(data).toMatchObject({ total_count: 1, repositories: [{ full_name: 'acme/shells' }] })
    installation.remove('acme/shells')
    expect(await statuses()).toEqual([404, 404])
    installation.uninstall()
    expect(await statuses()).toEqual([401, 401])
    await expect(world.as(appToken(app))('GET /repos/{owner}/{repo}/installation')).rejects.toMatchObject({
      status: 404,
    })
  })

  test('never a repository of somebody else', async () => {
    const world = await acme()
    const app = world.github.createApp({ owner: 'acme', permissions: READ })
    expect(() => app.install('other', 'all')).toThrow(/acme's own/)
    app.install('acme', ['other/secret'])
    await expect(world.as(appToken(app))('GET /repos/other/secret/installation')).rejects.toMatchObject({
      status: 404,
    })
  })
})
