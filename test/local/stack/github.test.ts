import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { request as octokit } from '@octokit/request'
import { verify } from '@octokit/webhooks-methods'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createGitHub, type GitHub, type Repository } from '../../../local/github/github.ts'
import { NO_COMMIT, pushWebhook } from '../../../local/github/push-webhook.ts'
import { temporaryFolder } from './test-stack.ts'

/** Not the synchronous form: the server that git speaks to is in this process. */
async function git(folder: string, ...words: string[]): Promise<string> {
  const identity = [
    '-c',
    'user.name=Ada',
    '-c',
    'user.email=ada@example.org',
    '-c',
    'init.defaultBranch=main',
  ]
  // never asks for a password
  const env = { ...process.env, GIT_TERMINAL_PROMPT: '0' }
  const { stdout } = await promisify(execFile)('git', [...identity, ...words], { cwd: folder, env })
  return stdout.trim()
}

async function commit(folder: string, file: string, text: string): Promise<string> {
  writeFileSync(join(folder, file), text)
  await git(folder, 'add', '-A')
  await git(folder, 'commit', '-qm', `${file}\n\nbody`)
  return git(folder, 'rev-parse', 'HEAD')
}

interface Forge {
  github: GitHub
  repository: Repository
  work: string
  folder: string
  first: string
  second: string
  request: typeof octokit
}

async function forge(): Promise<Forge> {
  const folder = await temporaryFolder()
  const work = join(folder, 'work')
  mkdirSync(work)
  await git(work, 'init', '-q')
  const first = await commit(work, 'a', '1')
  const second = await commit(work, 'b', '2')
  await git(work, 'branch', 'feature/x', first)
  const github = await createGitHub({ folder: join(folder, 'github') })
  onTestFinished(() => github.close())
  const repository = github.addRepository('acme/shells', work)
  const request = octokit.defaults({ baseUrl: github.url, owner: 'acme', repo: 'shells' })
  return { github, repository, work, folder, first, second, request }
}

describe('the REST API', () => {
  test('a ref to its commit', async () => {
    const { request, first, second } = await forge()
    for (const [ref, sha] of [
      ['main', second],
      ['heads/main', second],
      ['feature/x', first],
      [first, first],
      [first.slice(0, 8), first],
    ] as const) {
      const { data } = await request('GET /repos/{owner}/{repo}/commits/{ref}', { ref } as never)
      expect(data).toMatchObject({ sha })
    }
    const { data } = await request('GET /repos/{owner}/{repo}/commits/{ref}', { ref: 'main' } as never)
    expect(data).toMatchObject({
      commit: { message: 'b\n\nbody', author: { name: 'Ada', email: 'ada@example.org' } },
      parents: [{ sha: first }],
    })
    const plain = await request('GET /repos/{owner}/{repo}/commits/{ref}', {
      ref: 'main',
      headers: { accept: 'application/vnd.github.sha' },
    } as never)
    expect(plain.data).toBe(second)
  })

  test('git refs and branches', async () => {
    const { request, first, second } = await forge()
    const ref = await request('GET /repos/{owner}/{repo}/git/ref/{ref}', { ref: 'heads/main' } as never)
    expect(ref.data).toMatchObject({ ref: 'refs/heads/main', object: { sha: second, type: 'commit' } })
    const branches = await request('GET /repos/{owner}/{repo}/branches', {} as never)
    expect(branches.data).toMatchObject([
      { name: 'feature/x', commit: { sha: first }, protected: false },
      { name: 'main', commit: { sha: second }, protected: false },
    ])
  })

  test.each([
    ['GET /repos/acme/shells/commits/gone', 422],
    ['GET /repos/acme/shells/commits/--all', 422],
    ['GET /repos/acme/other/commits/main', 404],
    ['GET /repos/acme/shells/git/ref/heads/gone', 404],
    ['GET /repos/acme/shells/git/ref/main', 404],
    ['GET /repos/acme/shells/issues', 404],
    ['GET /user', 404],
  ])('%s is %i', async (route, status) => {
    const { request } = await forge()
    await expect(request(route)).rejects.toMatchObject({ status })
  })

  test('a request without a user agent is forbidden', async () => {
    const { github } = await forge()
    const { get } = await import('node:http')
    const status = await new Promise((resolve, reject) => {
      get(`${github.url}/repos/acme/shells/commits/main`, (response) => resolve(response.statusCode)).on(
        'error',
        reject,
      )
    })
    expect(status).toBe(403)
  })

  test('commit statuses are recorded, and kept', async () => {
    const { request, github, second, folder } = await forge()
    const post = (sha: string, body: Record<string, unknown>): Promise<{ status: number }> =>
      request('POST /repos/{owner}/{repo}/statuses/{sha}', { sha, ...body } as never)
    expect(
      await post(second, { state: 'pending', context: 'hearth', description: 'evaluating' }),
    ).toMatchObject({ status: 201 })
    await post(second, { state: 'success', context: 'hearth', target_url: 'https://example.org' })
    await expect(post(second, { state: 'fine' })).rejects.toMatchObject({ status: 422 })
    await expect(post(second, { state: 'success', description: 'x'.repeat(141) })).rejects.toMatchObject({
      status: 422,
    })
    await expect(post('f'.repeat(40), { state: 'success' })).rejects.toMatchObject({ status: 422 })
    expect(github.statuses).toMatchObject([
      {
        repository: 'acme/shells',
        sha: second,
        state: 'pending',
        context: 'hearth',
        description: 'evaluating',
      },
      { sha: second, state: 'success', target_url: 'https://example.org' },
    ])
    const again = await createGitHub({ folder: join(folder, 'github') })
    onTestFinished(() => again.close())
    expect(again.statuses).toEqual(github.statuses)
  })
})

describe('git over HTTP', () => {
  test('clones', async () => {
    const { github, folder, second } = await forge()
    await git(folder, 'clone', '-q', `${github.url}/acme/shells.git`, 'clone')
    expect(await git(join(folder, 'clone'), 'rev-parse', 'HEAD')).toBe(second)
  })

  test('a shallow fetch of a commit that no branch has any more', async () => {
    const { github, folder, work } = await forge()
    const orphan = await commit(work, 'c', '3')
    await git(work, 'reset', '-q', '--hard', 'HEAD^')
    const target = join(folder, 'target')
    mkdirSync(target)
    await git(target, 'init', '-q')
    await git(target, 'fetch', '-q', '--depth=1', `${github.url}/acme/shells`, orphan)
    expect(await git(target, 'rev-parse', 'FETCH_HEAD')).toBe(orphan)
    expect(await git(target, 'rev-list', '--count', 'FETCH_HEAD')).toBe('1')
  })

  test('nobody pushes', async () => {
    const { github, work } = await forge()
    await commit(work, 'c', '3')
    await expect(
      git(work, 'push', '-q', `${github.url}/acme/shells.git`, 'HEAD:refs/heads/new'),
    ).rejects.toThrow()
  })

  test('a repository that is not served', async () => {
    const { github, folder } = await forge()
    await expect(git(folder, 'clone', '-q', `${github.url}/acme/other.git`)).rejects.toThrow()
  })
})

describe('a push is delivered as GitHub does it', () => {
  test('with its commits, and a signature that holds', async () => {
    const { repository, first, second } = await forge()
    const { headers, body } = await pushWebhook(
      { repository, ref: 'refs/heads/main', before: first, after: second },
      'secret',
    )
    expect(headers).toMatchObject({
      'x-github-event': 'push',
      'x-github-delivery': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'content-type': 'application/json',
    })
    expect(await verify('secret', body, headers['x-hub-signature-256'] ?? '')).toBe(true)
    expect(await verify('other', body, headers['x-hub-signature-256'] ?? '')).toBe(false)
    expect(JSON.parse(body)).toMatchObject({
      ref: 'refs/heads/main',
      before: first,
      after: second,
      created: false,
      deleted: false,
      repository: { full_name: 'acme/shells', default_branch: 'main' },
      commits: [{ id: second, added: ['b'], modified: [], removed: [], message: 'b\n\nbody' }],
      head_commit: { id: second },
    })
  })

  test.each<[string, (forge: Forge) => { before: string; after: string }, Record<string, unknown>]>([
    [
      'a new branch',
      ({ second }) => ({ before: NO_COMMIT, after: second }),
      { created: true, deleted: false },
    ],
    [
      'a deleted branch',
      ({ second }) => ({ before: second, after: NO_COMMIT }),
      { created: false, deleted: true, head_commit: null, commits: [] },
    ],
  ])('%s', async (_, ends, expected) => {
    const made = await forge()
    const { body } = await pushWebhook(
      { repository: made.repository, ref: 'refs/heads/main', ...ends(made) },
      'secret',
    )
    expect(JSON.parse(body)).toMatchObject(expected)
  })
})
