import { describe, expect, test } from 'vitest'
import { mintToken } from '../../../functions/shared/github/mint-token.ts'
import { faultsOfAnswer } from '../../../local/github/operations.ts'
import { appToken } from './app-token.ts'
import { acme } from './forge-of-acme.ts'

const MANIFEST = {
  name: 'Hearth of acme',
  url: 'https://example.org/hearth',
  hook_attributes: { url: 'https://example.org/github' },
  redirect_url: 'http://127.0.0.1:1234/made',
  public: false,
  default_permissions: { checks: 'write', statuses: 'write', contents: 'read' },
  default_events: ['push', 'delete', 'check_run'],
}

const CONVERT = 'POST /app-manifests/{code}/conversions'

describe("an App's manifest", () => {
  test('becomes an App that works, once', async () => {
    const { github, as } = await acme()
    const code = github.convertibleManifest(MANIFEST)
    const { data } = await as()(CONVERT, { code })
    expect(faultsOfAnswer('apps/create-from-manifest', data)).toEqual([])
    expect(data).toMatchObject({
      slug: 'hearth-of-acme',
      owner: { login: 'acme' },
      permissions: { ...MANIFEST.default_permissions, metadata: 'read' },
      events: MANIFEST.default_events,
      pem: expect.stringMatching(/^-----BEGIN RSA PRIVATE KEY-----/),
    })
    const app = github.findApp(data.id)
    expect(app.webhookSecret).toBe(data.webhook_secret)
    app.install('acme', 'all')
    const credentials = { appId: data.id, privateKey: data.pem }
    expect(await mintToken(github.url, credentials, 'report', ['acme/shells'])).toMatchObject({ isApp: true })
    await expect(as()(CONVERT, { code })).rejects.toMatchObject({ status: 404 })
    // neither the code nor what it was good for is in the record
    const record = JSON.stringify(github.calls)
    expect(record).not.toContain(code)
    expect(record).not.toContain(data.webhook_secret)
  })

  test('must be exchanged within the hour', async () => {
    const { github, as } = await acme()
    const code = github.convertibleManifest(MANIFEST)
    github.advance(3_600_000)
    await expect(as()(CONVERT, { code })).rejects.toMatchObject({ status: 404 })
  })

  test.each<[string, unknown, RegExp]>([
    ['that is no object', 'x', /no JSON object/],
    ['without a page', { ...MANIFEST, url: undefined }, /Url can't be blank/],
    ['with a webhook that is no address', { ...MANIFEST, hook_attributes: { url: 'hearth' } }, /Hook url/],
    ['with a longer name than GitHub takes', { ...MANIFEST, name: 'x'.repeat(35) }, /maximum is 34/],
    [
      'with a permission that there is not',
      { ...MANIFEST, default_permissions: { checks: 'all' } },
      /permission checks/,
    ],
    ['with an unknown field', { ...MANIFEST, events: [] }, /unknown field events/],
  ])('%s is refused', async (_, manifest, words) => {
    const { github } = await acme()
    expect(() => github.convertibleManifest(manifest)).toThrow(words)
  })

  test.each([
    ['that it may not read', ['pull_request']],
    ['that every App hears anyway', ['installation']],
  ])('with an event %s is refused when the App is made', async (_, events) => {
    const { github } = await acme()
    const manifest = { ...MANIFEST, default_events: events }
    expect(() => github.convertibleManifest(manifest)).toThrow(`Default events unsupported: ${events[0]}`)
  })
})

describe("an App's webhook", () => {
  test('is shown without its secret, and takes a new one', async () => {
    const { github, as } = await acme()
    const webhookUrl = 'https://example.org/github'
    const app = github.createApp({ owner: 'acme', permissions: { contents: 'read' }, webhookUrl })
    const request = as(appToken(app))
    const before = app.webhookSecret
    expect((await request('GET /app/hook/config')).data).toEqual({
      url: webhookUrl,
      content_type: 'json',
      insecure_ssl: '0',
      secret: '********',
    })
    await request('PATCH /app/hook/config', { data: { secret: 'another', url: 'https://example.org/new' } })
    expect(app.webhookSecret).toBe('another')
    expect(app.webhookSecret).not.toBe(before)
    expect((await request('GET /app/hook/config')).data).toMatchObject({ url: 'https://example.org/new' })
    await expect(request('PATCH /app/hook/config', { data: { url: 'nowhere' } })).rejects.toMatchObject({
      status: 422,
    })
    await expect(as()('GET /app/hook/config')).rejects.toMatchObject({ status: 401 })
  })
})
