import { get } from 'node:https'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { makeCertificate } from '../../../local/github/certificate.ts'
import { temporaryFolder } from '../stack/test-stack.ts'
import { tokenOf } from './app-token.ts'
import { acme, type Acme, git } from './forge-of-acme.ts'

interface Fetchers extends Acme {
  reader: string
  /** may not read contents */
  reporter: string
  /** of the same App, for acme/inputs alone */
  elsewhere: string
}

async function fetchers(): Promise<Fetchers> {
  const world = await acme()
  const app = world.github.createApp({ owner: 'acme', permissions: { contents: 'read', checks: 'write' } })
  const { id } = app.install('acme', 'all')
  const contents = { contents: 'read' }
  return {
    ...world,
    reader: await tokenOf(world, app, id, { permissions: contents, repositories: ['shells'] }),
    reporter: await tokenOf(world, app, id, { permissions: { checks: 'write' }, repositories: ['shells'] }),
    elsewhere: await tokenOf(world, app, id, { permissions: contents, repositories: ['inputs'] }),
  }
}

// Source: RFC 1952, section 2.3.1
const GZIP = String.fromCharCode(0x1f, 0x8b)

const basic = (token: string): string => `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`

describe('git over HTTP of a private repository', () => {
  test('with a token that reads its contents, by git itself', async () => {
    const { github, folder, second, reader } = await fetchers()
    await git(
      folder,
      '-c',
      `http.extraHeader=Authorization: ${basic(reader)}`,
      'clone',
      '-q',
      `${github.url}/acme/shells.git`,
      'clone',
    )
    expect(await git(join(folder, 'clone'), 'rev-parse', 'HEAD')).toBe(second)
    const calls = github.calls.filter(({ path }) => path.startsWith('/acme/shells.git'))
    expect(calls[0]).toMatchObject({ caller: { kind: 'installation', permissions: { contents: 'read' } } })
    for (const token of github.issuedTokens()) expect(JSON.stringify(github.calls)).not.toContain(token)
    expect(github.issuedTokens()).toContain(reader)
  })

  test.each<[string, (world: Fetchers) => string | undefined, string, number, string]>([
    ['nobody', () => undefined, 'acme/shells', 401, 'Repository not found.'],
    ['nobody, for what there is not', () => undefined, 'acme/gone', 401, 'Repository not found.'],
    ['nobody, for what is public', () => undefined, 'acme/open', 200, ''],
    ['a reader', ({ reader }) => reader, 'acme/shells', 200, ''],
    [
      'a token for another repository',
      ({ elsewhere }) => elsewhere,
      'acme/shells',
      404,
      'Repository not found.',
    ],
    ['a reader, for what there is not', ({ reader }) => reader, 'acme/gone', 404, 'Repository not found.'],
    ['a token without contents', ({ reporter }) => reporter, 'acme/shells', 403, 'not granted'],
    ['a token that never was', () => 'ghs_x', 'acme/shells', 401, 'Invalid username or token'],
    [
      'a token that never was, for what is public',
      () => 'ghs_x',
      'acme/open',
      401,
      'Invalid username or token',
    ],
  ])('%s', async (_, whose, repository, status, words) => {
    const world = await fetchers()
    const token = whose(world)
    const response = await fetch(`${world.github.url}/${repository}.git/info/refs?service=git-upload-pack`, {
      headers: token === undefined ? {} : { authorization: basic(token) },
    })
    expect(response.status).toBe(status)
    expect(await response.text()).toContain(words)
    expect(response.headers.get('www-authenticate')).toBe(status === 401 ? 'Basic realm="GitHub"' : null)
  })
})

describe('an archive', () => {
  test('of a private repository has one folder, and its address is good for five minutes', async () => {
    const { github, as, reader, second } = await fetchers()
    const answer = await as(reader)('GET /repos/{owner}/{repo}/tarball/{ref}', {
      owner: 'acme',
      repo: 'shells',
      ref: 'main',
      request: { redirect: 'manual' },
    })
    expect(answer).toMatchObject({ status: 302 })
    const { location = '' } = answer.headers
    const archive = await fetch(location)
    const tar = gunzipSync(Buffer.from(await archive.arrayBuffer())).toString('latin1')
    expect(tar).toContain(`acme-shells-${second.slice(0, 7)}/a`)
    expect((await fetch(location.replace(/\?.*/, ''), { headers: { 'user-agent': 'x' } })).status).toBe(404)
    github.advance(5 * 60_000)
    expect((await fetch(location)).status).toBe(404)
    const key = new URL(location).searchParams.get('token')
    expect(JSON.stringify(github.calls)).not.toContain(key)
  })

  test.each<[string, (world: Fetchers) => string | undefined, string, number]>([
    ['nobody', () => undefined, 'shells', 404],
    ['a token without contents', ({ reporter }) => reporter, 'shells', 403],
    ['nobody, of what is public', () => undefined, 'open', 200],
    ['nobody, of a commit that there is not', () => undefined, 'open/tarball/gone', 404],
  ])('%s', async (_, whose, path, status) => {
    const world = await fetchers()
    const url = `${world.github.url}/repos/acme/${path.includes('/') ? path : `${path}/tarball/main`}`
    const token = whose(world)
    const headers = token === undefined ? {} : { authorization: `token ${token}` }
    expect((await fetch(url, { headers })).status).toBe(status)
  })
})

test('an archive as a web page links it is for what is public alone', async () => {
  const { github, reader } = await fetchers()
  const headers = { authorization: `token ${reader}`, 'user-agent': 'curl/8 Nix/2.34' }
  const status = async (repository: string): Promise<number> =>
    (await fetch(`${github.url}/acme/${repository}/archive/main.tar.gz`, { headers })).status
  expect([await status('open'), await status('shells')]).toEqual([200, 404])
})

test('the same with TLS, below /api/v3, as Nix asks a GitHub Enterprise', async () => {
  const certificate = await makeCertificate(await temporaryFolder())
  const { github, second } = await acme({ tls: certificate })
  const token = github.createToken({ repositories: ['acme/shells'], permissions: { contents: 'read' } })
  const ask = (
    path: string,
  ): Promise<{ status: number | undefined; location: string | undefined; body: string }> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `token ${token}`, 'user-agent': 'curl/8 Nix/2.8' }
      get(
        path.startsWith('https') ? path : `${github.secureUrl}${path}`,
        { ca: certificate.cert, headers },
        (response) => {
          let body = ''
          response.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
          response.on('end', () =>
            resolve({ status: response.statusCode, location: response.headers.location, body }),
          )
        },
      ).on('error', reject)
    })
  const head = await ask('/api/v3/repos/acme/shells/commits/HEAD')
  expect(JSON.parse(head.body)).toMatchObject({ sha: second })
  const { status, location = '' } = await ask(`/api/v3/repos/acme/shells/tarball/${second}`)
  expect(status).toBe(302)
  expect(location).toMatch(/^https:\/\/127\.0\.0\.1:/)
  expect(await ask(location)).toMatchObject({ status: 200, body: expect.stringContaining(GZIP) })
})
