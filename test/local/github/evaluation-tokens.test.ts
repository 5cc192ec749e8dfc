import { describe, expect, test } from 'vitest'
import { mintForEvaluation } from '../../../functions/evaluation-token/mint-for-evaluation.ts'
import { gitHubClient } from '../../../functions/shared/github/client.ts'
import type { GitHubCredentials } from '../../../functions/shared/github/credentials.ts'
import { acme, type Acme, git } from './forge-of-acme.ts'

/** An App of acme with all that Hearth's may do, installed on some repositories. */
async function appOn(...repositories: string[]): Promise<Acme & { credentials: GitHubCredentials }> {
  const world = await acme()
  const app = world.github.createApp({
    owner: 'acme',
    permissions: { checks: 'write', statuses: 'write', contents: 'read' },
  })
  app.install('acme', repositories)
  return { ...world, credentials: { appId: app.appId, privateKey: app.privateKey } }
}

/** Which of GitHub's repositories a token can fetch from, by git. */
async function fetchable({ github, folder }: Acme, token = ''): Promise<string[]> {
  const header = `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`
  const found: string[] = []
  for (const name of ['acme/shells', 'acme/inputs', 'acme/open', 'other/secret'])
    await git(folder, '-c', `http.extraHeader=${header}`, 'ls-remote', `${github.url}/${name}.git`).then(
      () => found.push(name),
      () => undefined,
    )
  return found
}

describe('the token of an evaluation', () => {
  test('reads its target and the private inputs, and nothing else that is private', async () => {
    const world = await appOn('acme/shells', 'acme/inputs', 'acme/open')
    const answer = await mintForEvaluation(world.github.url, world.credentials, 'acme/shells', [
      'acme/inputs',
    ])
    expect(answer).toMatchObject({
      isApp: true,
      repositories: ['acme/shells', 'acme/inputs'],
      unreachable: [],
    })
    expect(await fetchable(world, answer.token)).toEqual(['acme/shells', 'acme/inputs', 'acme/open'])
    const alone = await mintForEvaluation(world.github.url, world.credentials, 'acme/shells', [])
    expect(await fetchable(world, alone.token)).toEqual(['acme/shells', 'acme/open'])
  })
  test('writes nothing, whatever the App may write', async () => {
    const { github, credentials, second } = await appOn('acme/shells')
    const { token } = await mintForEvaluation(github.url, credentials, 'acme/shells', [])
    const status = gitHubClient({ api: github.url, token })('POST /repos/{owner}/{repo}/statuses/{sha}', {
      owner: 'acme',
      repo: 'shells',
      sha: second,
      state: 'success',
    })
    await expect(status).rejects.toMatchObject({ name: 'GitHubRefused', status: 403 })
  })
  test('is good for an hour', async () => {
    const world = await appOn('acme/shells')
    const { token, expires = '' } = await mintForEvaluation(
      world.github.url,
      world.credentials,
      'acme/shells',
      [],
    )
    expect(Math.round((Date.parse(expires) - Date.now()) / 60_000)).toBe(60)
    world.github.advance(61 * 60_000)
    expect(await fetchable(world, token)).toEqual([])
  })
})

describe('a private input that the App cannot read', () => {
  test.each([
    ['because it is not installed there', 'acme/inputs'],
    ['because there is none', 'acme/forgotten'],
  ])('%s does not stop the target, and is named', async (_, missing) => {
    const world = await appOn('acme/shells', 'acme/open')
    const answer = await mintForEvaluation(world.github.url, world.credentials, 'acme/shells', [
      missing,
      'acme/open',
    ])
    expect(answer.repositories).toEqual(['acme/shells', 'acme/open'])
    expect(answer.unreachable).toEqual([
      { repository: missing, why: expect.stringContaining(`not installed on ${missing}`) as string },
    ])
    expect(await fetchable(world, answer.token)).toContain('acme/shells')
  })
  test('is an error when it is the target', async () => {
    const { github, credentials } = await appOn('acme/inputs')
    await expect(
      mintForEvaluation(github.url, credentials, 'acme/shells', ['acme/inputs']),
    ).rejects.toMatchObject({
      name: 'AppNotInstalled',
      message: expect.stringContaining('acme/shells') as string,
    })
  })
})

test.each<[string, GitHubCredentials, object]>([
  ['the token that Hearth was given', { token: 'ghp_given' }, { token: 'ghp_given', isApp: false }],
  ['nothing', {}, { isApp: false }],
])('without an App it is %s', async (_, credentials, expected) => {
  const { github } = await acme()
  expect(await mintForEvaluation(github.url, credentials, 'acme/shells', ['acme/inputs'])).toEqual({
    ...expected,
    repositories: ['acme/shells', 'acme/inputs'],
    unreachable: [],
  })
})
