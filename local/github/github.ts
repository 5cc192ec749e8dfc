import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { listen, portOf } from '../gateway/gateway.ts'
import { type App, type AppSettings, installApp, type Installation, registerApp } from './apps.ts'
import type { Call } from './call-log.ts'
import type { CheckRun } from './check-run-log.ts'
import { createForge, type Forge } from './forge.ts'
import type { TooFast } from './pace.ts'
import { openRepository, type Repository } from './repository.ts'
import { send, serve } from './server.ts'
import type { CommitStatus } from './status-log.ts'
import type { Permissions } from './tokens.ts'

export type { Installation } from './apps.ts'
export type { Call } from './call-log.ts'
export type { CheckRun } from './check-run-log.ts'
export type { CommitStatus } from './status-log.ts'
export type { Repository } from './repository.ts'

export interface GitHub {
  /** base URL of the REST API, and of git: `<url>/<owner>/<repository>.git`; a GitHub Enterprise's API is below `/api/v3` */
  readonly url: string
  /** the same with TLS, when that was asked for */
  readonly secureUrl: string | undefined
  /** every commit status that was posted, oldest first */
  readonly statuses: readonly CommitStatus[]
  /** every check run, oldest first, each with all that was ever said of it */
  readonly checkRuns: readonly CheckRun[]
  /** every request, oldest first */
  readonly calls: readonly Call[]
  /** requests that changed something of a repository within a second of the one before */
  readonly tooFast: readonly TooFast[]
  /** whether those are refused: the secondary rate limit */
  secondaryLimits: boolean
  /** @param fullName `owner/name` @param path of a local git repository, bare or not */
  addRepository(fullName: string, path: string, options?: { private?: boolean }): Repository
  /** Registers a GitHub App. From now on, credentials are checked. @throws InvalidApp */
  createApp(settings: AppSettings): RegisteredApp
  /** The App that somebody has made of a manifest, to install it. */
  findApp(appId: number): RegisteredApp
  /**
   * What a person does in the browser with an App's manifest.
   * @returns the code that GitHub gives the page which the manifest names
   * @throws InvalidApp with what GitHub's page would say
   */
  convertibleManifest(manifest: unknown, owner?: string): string
  /** A fine-grained personal access token. From now on, credentials are checked. */
  createToken(given: { repositories: readonly string[] | 'all'; permissions: Permissions }): string
  /** Every token that there is has expired. */
  expireTokens(): void
  /** Moves GitHub's clock. */
  advance(milliseconds: number): void
  /** Everybody has so many requests left in this hour. */
  setRemaining(requests: number): void
  close(): Promise<void>
}

/** A GitHub App as its owner knows it. */
export interface RegisteredApp {
  readonly appId: number
  /** PEM, PKCS#1; GitHub shows it once, so that it is empty when the App was made of a manifest */
  readonly privateKey: string
  readonly webhookSecret: string
  readonly slug: string
  /** @param repositories `owner/name`, or all of the owner's */
  install(owner: string, repositories: readonly string[] | 'all'): Installation
}

export interface GitHubOptions {
  /** where the statuses are kept, `statuses.jsonl`, for another start to find again; in memory alone when absent */
  folder?: string
  /** any free one when absent */
  port?: number
  /** to be served with TLS, too: key and certificate as PEM; any free port when absent */
  tls?: { key: string; cert: string; port?: number }
}

/**
 * A GitHub on 127.0.0.1 that serves local git repositories: the part of its REST API that we use, checked as GitHub checks it, and git over HTTP.
 * As long as it has neither App nor token, nobody's credentials are looked at, and everybody may do everything.
 */
export async function createGitHub({ folder, port = 0, tls }: GitHubOptions = {}): Promise<GitHub> {
  const forge = createForge(folder)
  const limits = { secondary: false }
  const handle = (scheme: string) => (request: IncomingMessage, response: ServerResponse) =>
    void answerAny(
      forge,
      `${scheme}://${request.headers.host ?? 'localhost'}`,
      limits.secondary,
      request,
      response,
    )
  const server = createServer(handle('http'))
  await listen(server, port)
  const secure =
    tls === undefined ? undefined : createSecureServer({ key: tls.key, cert: tls.cert }, handle('https'))
  if (secure !== undefined) await listen(secure, tls?.port ?? 0)
  let installations = 5000

  const registered = (app: App, privateKey: string): RegisteredApp => ({
    appId: app.id,
    privateKey,
    slug: app.slug,
    get webhookSecret() {
      return app.hook.secret
    },
    install(owner, repositories) {
      if (owner.toLowerCase() !== app.owner.toLowerCase())
        throw new Error(`${app.slug} is ${app.owner}'s own: ${owner} cannot install it`)
      return installApp(app, repositories, (installations += 1), forge.clock.now())
    },
  })

  return {
    statuses: forge.statuses.all,
    checkRuns: forge.checkRuns.all,
    calls: forge.calls,
    tooFast: forge.pace.tooFast,
    url: `http://127.0.0.1:${portOf(server)}`,
    secureUrl: secure === undefined ? undefined : `https://127.0.0.1:${portOf(secure)}`,
    get secondaryLimits() {
      return limits.secondary
    },
    set secondaryLimits(are) {
      limits.secondary = are
    },
    addRepository(fullName, path, options = {}) {
      const repository = openRepository(fullName, path, {
        id: forge.nextId(),
        isPrivate: options.private ?? false,
      })
      forge.repositories.set(fullName.toLowerCase(), repository)
      return repository
    },
    createApp(settings) {
      const { app, privateKey } = registerApp(settings, forge.nextId(), forge.clock.now())
      forge.apps.set(app.id, app)
      return registered(app, privateKey)
    },
    findApp(appId) {
      const app = forge.apps.get(appId)
      if (app === undefined) throw new Error(`there is no App ${appId}`)
      return registered(app, '')
    },
    convertibleManifest: (manifest, owner = 'acme') => forge.manifests.add(manifest, owner),
    createToken: ({ repositories, permissions }) =>
      forge.tokens.add({
        kind: 'personal',
        id: forge.nextId(),
        repositories,
        permissions,
        expires: Infinity,
      }),
    expireTokens: () => forge.tokens.expireAll(),
    advance: (milliseconds) => forge.clock.advance(milliseconds),
    setRemaining: (requests) => forge.limits.setRemaining(requests),
    close: async () => {
      await Promise.all([server, ...(secure === undefined ? [] : [secure])].map(closeServer))
    },
  }
}

async function answerAny(
  forge: Forge,
  origin: string,
  hasSecondaryLimits: boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await serve(forge, request, response, origin, hasSecondaryLimits)
  } catch (error) {
    if (response.headersSent) response.destroy()
    else send(response, { status: 500, body: { message: String(error) } })
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
