import { describe, expect, test } from 'vitest'
import { gitHubClient } from '../../../../../functions/shared/github/client.ts'
import { headOf } from '../../../../../functions/shared/github/head-of.ts'
import { serve } from '../../http-server.ts'

const COMMIT = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'

/** A GitHub with one answer, and what it was asked. */
async function gitHubThat(
  status: number,
  body: object = {},
  headers: Record<string, string> = {},
): Promise<{ api: string; asked: string[] }> {
  const asked: string[] = []
  const api = await serve((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  })
  return { api, asked }
}

const head = (api: string, ref: string, sleep?: (seconds: number) => Promise<void>) =>
  headOf(gitHubClient({ api, ...(sleep === undefined ? {} : { sleep }) }), 'acme/shells', ref)

describe('the head of a branch', () => {
  // GitHub REST API, "Get a reference"
  const reference = { ref: 'refs/heads/main', object: { type: 'commit', sha: COMMIT } }

  test.each([
    ['refs/heads/main', '/repos/acme/shells/git/ref/heads/main'],
    ['refs/heads/feature/new-shell', '/repos/acme/shells/git/ref/heads/feature/new-shell'],
    ['refs/heads/fix#12', '/repos/acme/shells/git/ref/heads/fix%2312'],
    ['refs/heads/100%25', '/repos/acme/shells/git/ref/heads/100%2525'],
    ['refs/heads/müsli', '/repos/acme/shells/git/ref/heads/m%C3%BCsli'],
  ])('%s', async (ref, path) => {
    const { api, asked } = await gitHubThat(200, reference)
    expect(await head(api, ref)).toBe(COMMIT)
    expect(asked).toEqual([`GET ${path}`])
  })

  test('an annotated tag is the commit that it names', async () => {
    const tag = 'b'.repeat(40)
    const asked: string[] = []
    const api = await serve((request, response) => {
      asked.push(`${request.url}`)
      const object = asked.length === 1 ? { type: 'tag', sha: tag } : { type: 'commit', sha: COMMIT }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object }))
    })
    expect(await head(api, 'refs/tags/v1')).toBe(COMMIT)
    expect(asked).toEqual(['/repos/acme/shells/git/ref/tags/v1', `/repos/acme/shells/git/tags/${tag}`])
  })

  test('that is gone', async () => {
    const { api } = await gitHubThat(404, { message: 'Not Found' })
    expect(await head(api, 'refs/heads/main')).toBeUndefined()
  })
})

describe('when GitHub does not say', () => {
  test.each([
    ['an outage', 500, {}, 'GitHubUnavailable', true],
    ['a gateway', 502, {}, 'GitHubUnavailable', true],
    ['too many requests', 429, {}, 'GitHubUnavailable', true],
    // GitHub REST API, "Rate limits": 403 or 429, with one of these headers
    ['the rate limit', 403, { 'x-ratelimit-remaining': '0' }, 'GitHubUnavailable', true],
    ['the secondary rate limit', 403, { 'retry-after': '60' }, 'GitHubUnavailable', true],
    ['a wrong token', 401, {}, 'GitHubRefused', false],
    ['a repository that is closed', 403, { 'x-ratelimit-remaining': '59' }, 'GitHubRefused', false],
    ['a repository that is blocked', 451, {}, 'GitHubRefused', false],
  ])('%s (%i)', async (_, status, headers, name, retryable) => {
    const { api } = await gitHubThat(status, { message: 'the words of GitHub' }, headers)
    await expect(head(api, 'refs/heads/main')).rejects.toMatchObject({
      name,
      retryable,
      message: expect.stringMatching(
        /GET \/repos\/acme\/shells\/git\/ref\/heads\/main: the words of GitHub/,
      ) as string,
    })
  })

  test.each([
    ['for a moment', '3', [3, 3, 3, 3, 3, 3]],
    ['for longer than a function should wait', '60', []],
  ])('it asks to be left alone %s', async (_, seconds, waits) => {
    const { api } = await gitHubThat(429, {}, { 'retry-after': seconds })
    const slept: number[] = []
    const sleep = async (for_: number): Promise<void> => void slept.push(for_)
    await expect(head(api, 'refs/heads/main', sleep)).rejects.toThrow('GitHub')
    expect(slept).toEqual(waits)
  })

  test('nobody answers', async () => {
    await expect(head('http://127.0.0.1:1', 'refs/heads/main')).rejects.toMatchObject({
      name: 'GitHubUnavailable',
      retryable: true,
    })
  })
})
