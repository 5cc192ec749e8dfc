import { type About, deliver, type Delivery, signDelivery } from './delivery.ts'
import type { App } from './apps.ts'
import { isoSeconds } from './clock.ts'

const HOOK = 1

/** The first delivery to a new webhook of a repository, or of an App. Source: GitHub, "Webhook events and payloads", ping. */
export function pingWebhook(of: About | { app: App }, secret: string): Promise<Delivery> {
  const zen = 'Practicality beats purity.'
  const now = isoSeconds(Date.now())
  const hook = {
    id: HOOK,
    name: 'web',
    active: true,
    events: ['push'],
    config: {
      content_type: 'json',
      url: 'https://example.org/github',
      insecure_ssl: '0',
      secret: '********',
    },
    updated_at: now,
    created_at: now,
  }
  if ('app' in of) {
    const { id, events } = of.app
    const url = 'https://api.github.com/app/hook'
    const places = { url, ping_url: `${url}/pings`, deliveries_url: `${url}/deliveries` }
    const body = { zen, hook_id: HOOK, hook: { ...hook, ...places, type: 'App', app_id: id, events } }
    return signDelivery('ping', JSON.stringify(body), secret, 'integration')
  }
  const url = `https://api.github.com/repos/${of.repository.fullName}/hooks/${HOOK}`
  const places = {
    url,
    test_url: `${url}/test`,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
  }
  const last = { code: null, status: 'unused', message: null }
  const described = { ...hook, type: 'Repository', ...places, last_response: last }
  return deliver('ping', of, { zen, hook_id: HOOK, hook: described }, secret)
}
