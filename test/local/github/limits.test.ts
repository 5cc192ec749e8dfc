import { describe, expect, test } from 'vitest'
import { gitHubClient } from '../../../functions/shared/github/client.ts'
import { tokenOf } from './app-token.ts'
import { acme, type Acme, git } from './forge-of-acme.ts'

/** acme with an App, and a token of it that may do everything with statuses. */
async function limited(): Promise<Acme & { token: string }> {
  const world = await acme()
  const app = world.github.createApp({ owner: 'acme', permissions: { statuses: 'write', contents: 'read' } })
  return { ...world, token: await tokenOf(world, app, app.install('acme', 'all').id, {}) }
}

const HOUR = 3_600_000

describe('the rate limit', () => {
  test('is told with every answer, per caller', async () => {
    const { as, token } = await limited()
    const limitsOf = async (who: string | undefined, route: string): Promise<unknown[]> => {
      const { headers } = (await as(who)(route).catch(
        (error: { response: { headers: object } }) => error.response,
      )) as { headers: Record<string, string> }
      return ['limit', 'remaining', 'used', 'resource'].map((name) => headers[`x-ratelimit-${name}`])
    }
    expect(await limitsOf(token, 'GET /repos/acme/shells')).toEqual(['5000', '4999', '1', 'core'])
    expect(await limitsOf(token, 'GET /repos/acme/gone')).toEqual(['5000', '4998', '2', 'core'])
    expect(await limitsOf(undefined, 'GET /repos/acme/open')).toEqual(['60', '59', '1', 'core'])
    expect(await limitsOf('ghs_bad', 'GET /repos/acme/open')).toEqual(['60', '58', '2', 'core'])
  })

  test('used up, everything is refused until the hour is over; asking how it stands costs nothing', async () => {
    const { as, github } = await limited()
    github.setRemaining(1)
    await as()('GET /repos/acme/open')
    await expect(as()('GET /repos/acme/open')).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('API rate limit exceeded'),
      response: { headers: { 'x-ratelimit-remaining': '0' } },
    })
    const { data } = await as()('GET /rate_limit')
    expect(data).toMatchObject({ rate: { limit: 60, remaining: 0, used: 60 } })
    github.advance(HOUR)
    expect(await as()('GET /repos/acme/open')).toMatchObject({ status: 200 })
  })

  test("Hearth's client knows that trying again can help", async () => {
    const { github, token } = await limited()
    github.setRemaining(0)
    await expect(
      gitHubClient({ api: github.url, token })('GET /repos/{owner}/{repo}', {
        owner: 'acme',
        repo: 'shells',
      }),
    ).rejects.toMatchObject({ name: 'GitHubUnavailable' })
  })
})

describe('what has not changed is not sent again', () => {
  test('and does not count, when it is asked for with credentials', async () => {
    const { as, token, github, work } = await limited()
    for (const [who, remaining] of [
      [token, '4999'],
      [undefined, '58'],
    ] as const) {
      const route = 'GET /repos/acme/open/branches'
      const { headers } = await as(who)(route)
      const again = as(who)(route, { headers: { 'if-none-match': headers.etag } } as never)
      await expect(again).rejects.toMatchObject({
        status: 304,
        response: { headers: { 'x-ratelimit-remaining': remaining } },
      })
    }
    const { headers } = await as(token)('GET /repos/acme/open/branches')
    await git(work, 'branch', 'new')
    const changed = await as(token)('GET /repos/acme/open/branches', {
      headers: { 'if-none-match': headers.etag },
    } as never)
    expect(changed.status).toBe(200)
    expect(github.calls.filter(({ status }) => status === 304)).toHaveLength(2)
  })
})

describe('requests that change something, less than a second apart', () => {
  const post = (
    { as, token, second }: Acme & { token: string },
    repo = 'shells',
  ): Promise<{ status: number }> =>
    as(token)('POST /repos/{owner}/{repo}/statuses/{sha}', {
      owner: 'acme',
      repo,
      sha: second,
      state: 'pending',
    })

  test('are noted, per repository', async () => {
    const world = await limited()
    await post(world)
    world.github.advance(1000)
    await post(world)
    await post(world, 'inputs')
    expect(world.github.tooFast).toEqual([])
    await post(world)
    expect(world.github.tooFast).toMatchObject([{ repository: 'acme/shells', method: 'POST' }])
  })

  test('are refused when the secondary limit is on; the client that waits as it is told gets through', async () => {
    const world = await limited()
    const { github, token, second } = world
    github.secondaryLimits = true
    await post(world)
    await expect(post(world)).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('secondary rate limit'),
      response: { headers: { 'retry-after': '1' } },
    })
    const waits: number[] = []
    const client = gitHubClient({
      api: github.url,
      token,
      sleep: async (seconds) => {
        waits.push(seconds)
        github.advance(seconds * 1000)
      },
    })
    const body = { owner: 'acme', repo: 'shells', sha: second, state: 'success' as const }
    expect(await client('POST /repos/{owner}/{repo}/statuses/{sha}', body)).toMatchObject({ status: 201 })
    expect(waits).toEqual([1])
    expect(github.statuses.map(({ state }) => state)).toEqual(['pending', 'success'])
  })
})
