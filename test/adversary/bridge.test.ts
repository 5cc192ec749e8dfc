import { request } from 'node:http'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bridge, startBridge } from '../../builders/bridge.ts'
import { keysOf } from '../local/publish/visible.ts'
import { serverForThisFile } from '../local/s3/server-fixture.ts'

/*
 * The attacker is a web page that a developer visits, or another user of the same machine, while the bridge runs there with the developer's
 * credentials. It can send any request to 127.0.0.1; the bridge must give it nothing but what a Nix cache has, and a web page not even that.
 */
const running = serverForThisFile(['cache'])
const bridge: { bridge?: Bridge } = {}
const NARINFO = `${'0'.repeat(32)}.narinfo`
const SECRETS = ['config/current.json', `quarantine/${NARINFO}`, 'staging/x', 'x', 'nar/x', '.narinfo']

beforeAll(async () => {
  for (const Key of [NARINFO, ...SECRETS])
    await running.s3.send(new PutObjectCommand({ Bucket: 'cache', Key, Body: `content of ${Key}` }))
  bridge.bridge = await startBridge({ s3: running.s3, bucket: 'cache' })
})
afterAll(async () => {
  await bridge.bridge?.close()
})

interface Answer {
  status: number
  text: string
  headers: Record<string, unknown>
}

/** A request whose every byte is the attacker's; `fetch` would tidy its path. */
async function send(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { hostname, port } = new URL(bridge.bridge?.url ?? '')
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

test('Nix gets its narinfo', async () => {
  expect(await send('GET', `/${NARINFO}`)).toMatchObject({ status: 200, text: `content of ${NARINFO}` })
})

test('another address of this machine: nobody answers there', async () => {
  const { port } = new URL(bridge.bridge?.url ?? '')
  // Linux takes all of 127.0.0.0/8 for this machine: what listens on every address answers there, too.
  await expect(fetch(`http://127.0.0.2:${port}/${NARINFO}`)).rejects.toThrow('fetch failed')
})

describe('another name of this machine', () => {
  test.each([
    'evil.example.org',
    '127.0.0.1.evil.example.org',
    'localhost.evil.example.org',
    '127.0.0.1@evil.example.org',
    '0.0.0.0',
    '[::1]',
  ])('%s: a page that had its name resolve to 127.0.0.1', async (host) => {
    const answer = await send('GET', `/${NARINFO}`, { host })
    expect(answer.status).toBe(421)
    expect(answer.text).not.toContain('content of')
  })
  test('a page of another origin may not read the answer', async () => {
    const { headers } = await send('GET', `/${NARINFO}`, { origin: 'https://evil.example.org' })
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
  })
})

describe('a path that no cache has', () => {
  test.each([
    ...SECRETS.map((key) => `/${key}`),
    '/',
    `//${NARINFO}`,
    `/x/../${NARINFO}`,
    `/../${NARINFO}`,
    `/%2e%2e/${NARINFO}`,
    `/..%2fstate/config/current.json`,
    `/${NARINFO}/`,
    `/${NARINFO}%00`,
    `/${NARINFO}%0a`,
    `/nar/..%2f${NARINFO}`,
    `/nar/${'0'.repeat(52)}.nar.zst/../../x`,
    `/${NARINFO.toUpperCase()}`,
    `/${'e'.repeat(32)}.narinfo`,
    '/%',
    'http://169.254.169.254/latest/meta-data/iam/security-credentials/',
    `http://evil.example.org/${NARINFO}`,
  ])('%s', async (path) => {
    const answer = await send('GET', path)
    expect(answer.status).toBe(404)
    expect(answer.text).not.toContain('content of')
  })
})

test.each(['PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'TRACE'])(
  'the method %s: nothing is written',
  async (method) => {
    const before = await keysOf({ s3: running.s3, name: 'cache' })
    expect((await send(method, `/${NARINFO}`)).status).toBe(405)
    expect(await keysOf({ s3: running.s3, name: 'cache' })).toEqual(before)
  },
)
