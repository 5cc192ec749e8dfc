import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import type { Permissions } from './tokens.ts'

export interface AppSettings {
  /** who registers it, and who alone may install it */
  owner: string
  name?: string
  permissions: Permissions
  /** `push`, `check_run` … */
  events?: string[]
  webhookUrl?: string
}

/** A GitHub App as GitHub has it. */
export interface App {
  id: number
  slug: string
  name: string
  owner: string
  permissions: Permissions
  events: string[]
  publicKey: KeyObject
  hook: { url: string; secret: string; content_type: string; insecure_ssl: string }
  /** milliseconds since 1970 */
  made: number
  installations: Installation[]
}

export interface Installation {
  readonly id: number
  readonly app: App
  readonly permissions: Permissions
  /** milliseconds since 1970 */
  readonly made: number
  /** `owner/name`, or all of the owner's */
  readonly repositories: readonly string[] | 'all'
  readonly isGone: boolean
  covers(fullName: string): boolean
  add(...fullNames: string[]): void
  remove(...fullNames: string[]): void
  uninstall(): void
}

export class InvalidApp extends Error {
  override name = 'InvalidApp'
}

/** What an App must be allowed to read to hear of an event. Source: GitHub, "Webhook events and payloads". */
const PERMISSION_OF_EVENT: Record<string, string> = {
  push: 'contents',
  create: 'contents',
  delete: 'contents',
  check_run: 'checks',
  check_suite: 'checks',
  status: 'statuses',
  pull_request: 'pull_requests',
  repository: 'metadata',
}

/**
 * Registers an App, with a new key and a new secret.
 * @returns the private key, too, as GitHub hands it out once: PEM, PKCS#1
 * @throws InvalidApp when it wants to hear of what it may not read
 */
export function registerApp(
  settings: AppSettings,
  id: number,
  now: number,
  secret = randomBytes(20).toString('hex'),
): { app: App; privateKey: string } {
  const { owner, name = `hearth-${id}`, permissions, events = [], webhookUrl = '' } = settings
  for (const event of events) {
    const permission = PERMISSION_OF_EVENT[event]
    if (permission === undefined || (permission !== 'metadata' && permissions[permission] === undefined))
      throw new InvalidApp(`Default events unsupported: ${event}`)
  }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const app: App = {
    id,
    name,
    slug: name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
    owner,
    permissions: { ...permissions, metadata: 'read' },
    events,
    publicKey: createPublicKey(privateKey),
    hook: { url: webhookUrl, secret, content_type: 'json', insecure_ssl: '0' },
    made: now,
    installations: [],
  }
  return { app, privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString() }
}

/** @param repositories `owner/name`, or all that the owner has or will have */
export function installApp(
  app: App,
  repositories: readonly string[] | 'all',
  id: number,
  now: number,
): Installation {
  let covered = repositories
  let isGone = false
  const installation: Installation = {
    id,
    app,
    permissions: app.permissions,
    made: now,
    get repositories() {
      return covered
    },
    get isGone() {
      return isGone
    },
    covers: (fullName) =>
      !isGone &&
      fullName.toLowerCase().startsWith(`${app.owner.toLowerCase()}/`) &&
      (covered === 'all' || covered.includes(fullName)),
    add(...fullNames) {
      if (covered !== 'all') covered = [...covered, ...fullNames]
    },
    remove(...fullNames) {
      if (covered !== 'all') covered = covered.filter((name) => !fullNames.includes(name))
    },
    uninstall() {
      isGone = true
    },
  }
  app.installations.push(installation)
  return installation
}
