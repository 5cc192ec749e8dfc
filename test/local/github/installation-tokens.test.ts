import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { gitHubClient } from '../../../functions/shared/github/client.ts'
import { headOf } from '../../../functions/shared/github/head-of.ts'
import { mintToken } from '../../../functions/shared/github/mint-token.ts'
import type { RegisteredApp } from '../../../local/github/github.ts'
import { appToken } from './app-token.ts'
import { acme, type Acme } from './forge-of-acme.ts'

const OURS = { checks: 'write', statuses: 'write', contents: 'read' }

/** An App of acme, installed on acme/shells alone. */
async function installed(): Promise<Acme & { app: RegisteredApp; installation: number }> {
  const world = await acme()
  const app = world.github.createApp({ owner: 'acme', permissions: OURS, events: ['push', 'check_run'] })
  return { ...world, app, installation: app.install('acme', ['acme/shells']).id }
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

describe('an App shows who it is', () => {
  test('and learns what it is', async () => {
    const { app, as } = await installed()
    const { data } = await as(appToken(app))('GET /app')
    expect(data).toMatchObject({ id: app.appId, slug: app.slug, permissions: OURS, installations_count: 1 })
    expect(app.privateKey).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/)
  })

  test.each<[string, (app: RegisteredApp) => string, number, string]>([
    [
      'a key that is not its own',
      (app) =>
        appToken(
          app,
          {},
          generateKeyPairSync('rsa', { modulusLength: 2048 })
            .privateKey.export({ type: 'pkcs1', format: 'pem' })
            .toString(),
        ),
      401,
      'A JSON web token could not be decoded',
    ],
    ['expired', (app) => appToken(app, { exp: inSeconds(-1) }), 401, 'represent'],
    [
      'good for longer than ten minutes',
      (app) => appToken(app, { exp: inSeconds(700) }),
      401,
      'too far in the future',
    ],
    ['of the future', (app) => appToken(app, { iat: inSeconds(120) }), 401, "'Issued at' claim"],
    ['of an App that there is not', (app) => appToken(app, { iss: 1 }), 404, 'Integration not found'],
    ['no JSON Web Token at all', () => 'ghs_x', 401, 'Bad credentials'],
  ])('%s', async (_, token, status, words) => {
    const { app, as } = await installed()
    await expect(as(token(app))('GET /app')).rejects.toMatchObject({
      status,
      message: expect.stringContaining(words),
    })
  })
})

describe('an installation token', () => {
  test('is made by Hearth with what it asks for and no more', async () => {
    const { github, app, second } = await installed()
    const { appId, privateKey } = app
    const minted = await mintToken(github.url, { appId, privateKey }, 'contents', ['acme/shells'])
    expect(minted).toMatchObject({ isApp: true, token: expect.stringMatching(/^ghs_/) })
    expect(Math.abs(Date.parse(minted.expires ?? '') - Date.now() - 3_600_000)).toBeLessThan(60_000)
    const client = gitHubClient({ api: github.url, token: minted.token })
    expect(await headOf(client, 'acme/shells', 'refs/heads/main')).toBe(second)
    expect(
      github.calls.map(({ method, path, caller, status }) => [method, path, caller.kind, status]),
    ).toEqual([
      ['GET', '/repos/acme/shells/installation', 'app', 200],
      ['POST', '/app/installations/5001/access_tokens', 'app', 201],
      ['GET', '/repos/acme/shells/git/ref/heads/main', 'installation', 200],
    ])
    expect(github.calls.at(-1)?.caller).toMatchObject({
      permissions: { contents: 'read', metadata: 'read' },
      repositories: ['acme/shells'],
    })
  })

  test('not for a repository on which the App is not installed', async () => {
    const { github, app } = await installed()
    const { appId, privateKey } = app
    await expect(
      mintToken(github.url, { appId, privateKey }, 'contents', ['acme/inputs']),
    ).rejects.toMatchObject({ name: 'AppNotInstalled' })
    await expect(
      mintToken(github.url, { appId, privateKey }, 'contents', ['acme/shells', 'acme/inputs']),
    ).rejects.toMatchObject({ name: 'AppNotInstalled' })
  })

  test.each([
    [{ permissions: { contents: 'write' } }, 422, 'The permissions requested are not granted'],
    [{ permissions: { issues: 'read' } }, 422, 'The permissions requested are not granted'],
    [{ permissions: { contents: 'some' } }, 422, 'Invalid request'],
    [
      { repositories: ['inputs'] },
      422,
      'There is at least one repository that does not exist or is not accessible',
    ],
    [{ repository_ids: [1] }, 422, 'There is at least one repository'],
  ])('asked for with %j is %i', async (asked, status, words) => {
    const { app, installation, as } = await installed()
    await expect(
      as(appToken(app))('POST /app/installations/{installation_id}/access_tokens', {
        installation_id: installation,
        ...(asked as object),
      }),
    ).rejects.toMatchObject({ status, message: expect.stringContaining(words) })
  })

  test.each<[string, (world: Acme) => void, number]>([
    ['an hour later', ({ github }) => github.advance(3_600_000), 401],
    ['expired by a test', ({ github }) => github.expireTokens(), 401],
  ])('%s it is good for nothing', async (_, happen, status) => {
    const world = await installed()
    const { appId, privateKey } = world.app
    const { token } = await mintToken(world.github.url, { appId, privateKey }, 'contents', ['acme/shells'])
    happen(world)
    await expect(world.as(token)('GET /repos/{owner}/{repo}')).rejects.toMatchObject({
      status,
      message: expect.stringContaining('Bad credentials'),
    })
  })
})
