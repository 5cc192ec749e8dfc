import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { storedConfig } from '../../../functions/shared/config.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { writeJson } from '../../../functions/shared/objects.ts'
import type { GitHub } from '../../../local/github/github.ts'
import { type Stack, startStack } from '../../../local/stack/start-stack.ts'
import { type Deployment, findDeployment } from '../../../scripts/hearth/deployment.ts'
import { finishRotation, rotateSecret } from '../../../scripts/hearth/github/rotate-secret.ts'
import { printSteps, setUpApp, setUpToken } from '../../../scripts/hearth/github/setup.ts'
import { formatStatus, gitHubStatus } from '../../../scripts/hearth/github/status.ts'
import { putCredentials } from '../../../scripts/hearth/github/stored-secrets.ts'
import { CONFIG } from '../../unit/functions/resolve/config.ts'
import { acme } from './forge-of-acme.ts'

/*
 * The packaged deployment on this machine, with its policies; a GitHub that checks manifests and credentials as the real one does; and a person with a browser.
 */
let folder: string
let stack: Stack
let deployment: Deployment
let github: GitHub

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-github-'))
  stack = await startStack({ folder, template: '.serverless/cloudformation-template-update-stack.json' })
  deployment = await findDeployment({ stage: 'prod', local: true, folder })
})
afterAll(async () => {
  await stack.close()
  await rm(folder, { recursive: true, force: true })
})

const [shells] = CONFIG.repositories
if (shells === undefined) throw new Error('the configuration of these tests has a repository')

beforeEach(async () => {
  ;({ github } = await acme())
  await putCredentials(deployment, {} as { token: string })
  const repositories = [
    { ...shells, privateInputs: ['acme/inputs'] },
    { ...shells, name: 'acme/open' },
  ]
  const config = storedConfig({ ...CONFIG, github: { api: github.url, git: github.url }, repositories })
  await writeJson(deployment.state, stateKeys.currentConfig, config)
})

/** What the webhook function, which alone reads it, checks deliveries with. An operator may read it, too. */
async function webhookSecret(): Promise<{ current: string; previous?: string }> {
  const { SecretString } = await deployment.secrets.send(
    new GetSecretValueCommand({ SecretId: deployment.webhookSecret }),
  )
  return JSON.parse(SecretString ?? '') as { current: string; previous?: string }
}

/** What is written in a page's form: where it goes, and the manifest. */
async function formOf(url: string): Promise<{ action: URL; manifest: Record<string, unknown> }> {
  const page = await (await fetch(url)).text()
  const [, action = ''] = /action="([^"]+)"/.exec(page) ?? []
  const [, value = ''] = /name="manifest" value="([^"]+)"/.exec(page) ?? []
  const manifest = JSON.parse(value.replaceAll('&quot;', '"').replaceAll('&amp;', '&')) as Record<
    string,
    unknown
  >
  return { action: new URL(action), manifest }
}

/** Presses the button, agrees on GitHub's page, and is sent back. */
async function agree(url: string, owner = 'acme'): Promise<Response> {
  const { action, manifest } = await formOf(url)
  const code = github.convertibleManifest(manifest, owner)
  return fetch(`${String(manifest['redirect_url'])}?code=${code}&state=${action.searchParams.get('state')}`)
}

/** Runs `hearth github setup` with somebody who does this when the page is there. @returns all that was printed */
async function setUp(
  visit: (url: string) => Promise<unknown>,
  options: { org?: string; url?: string; replace?: boolean } = {},
  json = false,
): Promise<string> {
  const lines: string[] = []
  const visits: Promise<unknown>[] = []
  await setUpApp(
    deployment,
    { port: 0, ...options },
    {
      json,
      say: (line) => lines.push(line),
      onPage: (url) => visits.push(visit(url)),
    },
  )
  await Promise.all(visits)
  return lines.join('\n')
}

describe('hearth github setup', () => {
  test('makes an App that may do what Hearth needs, and nothing more', async () => {
    let form: Awaited<ReturnType<typeof formOf>> | undefined
    await setUp(
      async (url) => {
        form = await formOf(url)
        await agree(url)
      },
      { org: 'acme' },
    )
    expect(form?.action.href).toMatch(
      new RegExp(`^${github.url}/organizations/acme/settings/apps/new\\?state=[0-9a-f]{32}$`),
    )
    expect(form?.manifest).toEqual({
      name: 'hearth-acme',
      url: `${github.url}/acme/shells`,
      hook_attributes: { url: `${stack.api}/github`, active: true },
      redirect_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/created$/) as string,
      public: false,
      default_permissions: { checks: 'write', statuses: 'write', contents: 'read', metadata: 'read' },
      default_events: ['push', 'delete', 'check_run', 'check_suite'],
    })
  })
  test('for an account of one’s own, with a webhook at another address', async () => {
    await setUp(
      async (url) => {
        const { action, manifest } = await formOf(url)
        expect(action.pathname).toBe('/settings/apps/new')
        expect(manifest['hook_attributes']).toEqual({ url: 'https://hooks.example.org/github', active: true })
        await agree(url)
      },
      { url: 'https://hooks.example.org/github' },
    )
  })
  test('keeps key and webhook secret, and shows neither', async () => {
    const { current: before } = await webhookSecret()
    const printed = await setUp(agree, { org: 'acme' })
    const [, id = ''] = /GitHub App (\d+) is made/.exec(printed) ?? []
    const app = github.findApp(Number(id))
    const { current, previous } = await webhookSecret()
    expect(current).toBe(app.webhookSecret)
    // deliveries of plain webhooks are still taken
    expect(previous).toBe(before)
    for (const secret of [current, before, 'BEGIN']) expect(printed).not.toContain(secret)
    expect(printed).toContain('/installations/new')
    // nobody but the functions that make tokens reads the key
    const read = new GetSecretValueCommand({ SecretId: deployment.gitHubCredentials })
    await expect(deployment.secrets.send(read)).rejects.toThrow(/not authorized/i)
    app.install('acme', 'all')
    const { credentials, repositories } = await gitHubStatus(deployment)
    expect(credentials).toBe('app')
    expect(repositories.map(({ name, reads, reports }) => [name, reads, reports])).toEqual([
      ['acme/shells', true, true],
      ['acme/open', true, true],
      ['acme/inputs', true, true],
    ])
  })
  test('as JSON: one document', async () => {
    const document = JSON.parse(await setUp(agree, {}, true)) as Record<string, unknown>
    expect(Object.keys(document).sort()).toEqual(['app', 'appId', 'install', 'webhook'])
  })
  test('is not done twice by mistake', async () => {
    await setUp(agree)
    await expect(setUp(agree)).rejects.toThrow('has a GitHub App already')
    await setUp(agree, { replace: true })
  })
  test('prints what to click, without making anything', async () => {
    const lines: string[] = []
    await printSteps(deployment, { org: 'acme' }, { json: false, say: (line) => lines.push(line) })
    const text = lines.join('\n')
    expect(text).toContain(`${github.url}/organizations/acme/settings/apps/new`)
    expect(text).toContain(`${stack.api}/github`)
    expect(text).toContain(`${github.url}/acme/shells/settings/hooks/new`)
    expect((await gitHubStatus(deployment)).credentials).toBe('none')
  })
})

describe('the page of the manifest', () => {
  const answersTo = async (url: (page: URL) => string, headers: Record<string, string> = {}) => {
    let status = 0
    await setUp(async (page) => {
      status = await new Promise<number>((resolve, reject) => {
        request(url(new URL(page)), { headers }, (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
          .on('error', reject)
          .end()
      })
      await agree(page)
    })
    return status
  }
  test.each([
    ['its own address', (page: URL) => page.href, {}, 200],
    ['another name of this machine', (page: URL) => page.href, { host: 'evil.example' }, 403],
    [
      'an address that somebody guesses',
      (page: URL) => `${page.origin}/00000000000000000000000000000000`,
      {},
      404,
    ],
    ['a code with another state', (page: URL) => `${page.origin}/created?code=abc&state=0`, {}, 400],
    ['a code without a state', (page: URL) => `${page.origin}/created?code=abc`, {}, 400],
    ['no code', (page: URL) => `${page.origin}/created?state=${page.pathname.slice(1)}`, {}, 400],
    [
      'a code that would be another path of GitHub’s API',
      (page: URL) => `${page.origin}/created?code=../app&state=${page.pathname.slice(1)}`,
      {},
      400,
    ],
  ])('%s', async (_, url, headers, status) => {
    expect(await answersTo(url, headers)).toBe(status)
  })
  test('is gone when it has been used', async () => {
    let used = ''
    await setUp(async (page) => {
      used = page
      await agree(page)
    })
    await expect(fetch(used)).rejects.toThrow('fetch failed')
  })
})

describe('hearth github setup --token', () => {
  const give = async (text: string): Promise<string> => {
    const lines: string[] = []
    await setUpToken(deployment, { replace: true }, text, { json: false, say: (line) => lines.push(line) })
    return lines.join('\n')
  }
  test('keeps it, and says how to make the webhooks', async () => {
    const token = github.createToken({
      repositories: ['acme/shells', 'acme/inputs', 'acme/open'],
      permissions: { contents: 'read', metadata: 'read', statuses: 'write' },
    })
    const printed = await give(`${token}\n`)
    expect(printed).not.toContain(token)
    expect(printed).toContain(`Payload URL: ${stack.api}/github`)
    expect((await gitHubStatus(deployment)).credentials).toBe('token')
  })
  test.each([
    ['nothing', ''],
    ['something else', 'https://github.com/settings/tokens'],
    ['a whole file', '{"token": "ghp_0123456789012345678901234567"}'],
  ])('refuses %s', async (_, text) => {
    await expect(give(text)).rejects.toThrow('standard input has no token of GitHub')
  })
})

describe('hearth github status says what is missing', () => {
  const faults = async (): Promise<string> => formatStatus(await gitHubStatus(deployment))
  const PERMISSIONS = { checks: 'write', statuses: 'write', contents: 'read' }
  const withApp = async (permissions: Record<string, string>, on: string[]): Promise<void> => {
    const app = github.createApp({ owner: 'acme', permissions })
    app.install('acme', on)
    await putCredentials(deployment, { appId: app.appId, privateKey: app.privateKey })
  }
  test('nothing', async () => {
    await withApp(PERMISSIONS, ['acme/shells', 'acme/open', 'acme/inputs'])
    expect(await faults()).toBe(`credentials  a GitHub App
webhook      ${stack.api}/github
acme/shells  read: yes  report: yes
acme/open    read: yes  report: yes
acme/inputs  read: yes  report: not needed`)
  })
  test('an App that is not installed on a private input', async () => {
    await withApp(PERMISSIONS, ['acme/shells', 'acme/open'])
    expect(await faults()).toContain('the GitHub App is not installed on acme/inputs')
  })
  test('an App that may not write checks', async () => {
    await withApp({ statuses: 'write', contents: 'read' }, ['acme/shells', 'acme/open', 'acme/inputs'])
    expect(await faults()).toContain('the GitHub App is installed on acme/shells without checks: write')
  })
  test('a token that does not open a repository', async () => {
    const token = github.createToken({
      repositories: ['acme/shells', 'acme/open'],
      permissions: { contents: 'read', metadata: 'read', statuses: 'write' },
    })
    await putCredentials(deployment, { token })
    expect(await faults()).toContain('acme/inputs cannot be read with the token that Hearth was given')
  })
  test('a token that is none', async () => {
    github.createToken({ repositories: 'all', permissions: {} })
    await putCredentials(deployment, { token: 'ghp_revoked' })
    expect(await faults()).toContain('it has expired, or was revoked')
  })
  test('no credentials at all', async () => {
    github.createToken({ repositories: 'all', permissions: {} })
    const text = await faults()
    expect(text).toContain('acme/shells cannot be read without credentials')
    expect(text).toContain('acme/open    read: yes  report: no')
  })
})

test('a new webhook secret loses no delivery: the one before it holds until --finish', async () => {
  const said: string[] = []
  const say = (line: string): void => void said.push(line)
  await finishRotation(deployment, true, say)
  const { current: first } = await webhookSecret()
  await rotateSecret(deployment, false, say)
  const { current: second, previous } = await webhookSecret()
  expect(previous).toBe(first)
  expect(second).toMatch(/^[0-9a-f]{64}$/)
  // it has to be pasted: printed once, on a line of its own
  expect(said.at(-1)?.split('\n')[0]).toBe(second)
  await expect(rotateSecret(deployment, false, say)).rejects.toThrow('--finish')
  await finishRotation(deployment, false, say)
  expect(await webhookSecret()).toEqual({ current: second })
})
