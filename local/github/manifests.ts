import { randomBytes } from 'node:crypto'
import { isObject } from '../json-object.ts'
import { type AppSettings, InvalidApp } from './apps.ts'
import type { Clock } from './clock.ts'

// Source: GitHub, "Registering a GitHub App from a manifest": the code is good for one hour, and once.
const HOUR = 3_600_000

/** Manifests of Apps that somebody has agreed to on GitHub's page, and that are still to be exchanged for the App. */
export interface ManifestStore {
  /** @returns the code that GitHub's redirect to the manifest's `redirect_url` would carry */
  add(manifest: unknown, owner: string): string
  /** What a code stands for; once. */
  take(code: string): AppSettings | undefined
}

export function createManifestStore(clock: Clock): ManifestStore {
  const waiting = new Map<string, { settings: AppSettings; until: number }>()
  return {
    add(manifest, owner) {
      const code = randomBytes(20).toString('hex')
      waiting.set(code, { settings: readManifest(manifest, owner), until: clock.now() + HOUR })
      return code
    },
    take(code) {
      const found = waiting.get(code)
      waiting.delete(code)
      return found === undefined || found.until <= clock.now() ? undefined : found.settings
    },
  }
}

// Source: GitHub, "Registering a GitHub App from a manifest", parameters.
const FIELDS = [
  'name',
  'url',
  'hook_attributes',
  'redirect_url',
  'callback_urls',
  'setup_url',
  'description',
  'public',
  'default_events',
  'default_permissions',
  'request_oauth_on_install',
  'setup_on_update',
]

/** @throws InvalidApp with what GitHub's page would say */
function readManifest(manifest: unknown, owner: string): AppSettings {
  if (!isObject(manifest)) throw new InvalidApp('the manifest is no JSON object')
  const stranger = Object.keys(manifest).find((field) => !FIELDS.includes(field))
  if (stranger !== undefined) throw new InvalidApp(`the manifest has an unknown field ${stranger}`)
  const {
    name,
    url,
    redirect_url: redirect,
    hook_attributes: hook,
    default_permissions: permissions,
  } = manifest
  if (!isWebUrl(url)) throw new InvalidApp("Url can't be blank")
  if (redirect !== undefined && !isWebUrl(redirect)) throw new InvalidApp('Redirect url must be a valid URL')
  if (typeof name === 'string' && name.length > 34)
    throw new InvalidApp('Name is too long (maximum is 34 characters)')
  const hookUrl = isObject(hook) ? hook['url'] : undefined
  if (hook !== undefined && !isWebUrl(hookUrl)) throw new InvalidApp('Hook url must be a valid URL')
  const given = isObject(permissions) ? permissions : {}
  for (const [permission, level] of Object.entries(given))
    if (level !== 'read' && level !== 'write' && level !== 'admin')
      throw new InvalidApp(`Default permission records permission ${permission} is not included in the list`)
  const events = manifest['default_events']
  return {
    owner,
    ...(typeof name === 'string' ? { name } : {}),
    permissions: given as Record<string, string>,
    events: Array.isArray(events) ? events.map(String) : [],
    webhookUrl: typeof hookUrl === 'string' ? hookUrl : '',
  }
}

function isWebUrl(value: unknown): boolean {
  return typeof value === 'string' && /^https?:\/\/[^/]+/.test(value) && URL.canParse(value)
}
