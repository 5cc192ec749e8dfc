import { describe, expect, test } from 'vitest'
import { headOf } from '../../../../functions/resolve/github.ts'
import { serve } from '../http-server.ts'

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
    expect(await headOf(api, 'acme/shells', ref)).toBe(COMMIT)
    expect(asked).toEqual([`GET ${path}`])
  })

  test('that is gone', async () => {
    const { api } = await gitHubThat(404, { message: 'Not Found' })
    expect(await headOf(api, 'acme/shells', 'refs/heads/main')).toBeUndefined()
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
    await expect(headOf(api, 'acme/shells', 'refs/heads/main')).rejects.toMatchObject({
      name,
      retryable,
      message: expect.stringMatching(/refs\/heads\/main of acme\/shells: the words of GitHub/) as string,
    })
  })

  test('nobody answers', async () => {
    await expect(headOf('http://127.0.0.1:1', 'acme/shells', 'refs/heads/main')).rejects.toMatchObject({
      name: 'GitHubUnavailable',
      retryable: true,
    })
  })
})
