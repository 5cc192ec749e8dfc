import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HearthError } from '../../../functions/shared/errors.ts'
import { type AppManifest, manifestAction } from './manifest.ts'

/** Nobody came back from GitHub. */
export class NobodyCame extends HearthError {
  override name = 'NobodyCame'
}

export interface ManifestPage {
  /** what to open in a browser; nobody can guess it */
  url: string
  /** the code that GitHub sends the browser back with. @throws NobodyCame */
  code: Promise<string>
  close(): Promise<void>
}

interface PageOptions {
  /** base URL of GitHub's pages */
  web: string
  org: string | undefined
  manifest: (redirect: string) => AppManifest
  /** any free one when it is 0 */
  port: number
  /** how long it waits */
  milliseconds: number
}

/**
 * Serves, on this machine alone and for one visit, the page that sends an App's manifest to GitHub, and takes what comes back. GitHub wants the manifest posted by a
 * browser in which its owner is signed in.
 */
export async function serveManifestPage(options: PageOptions): Promise<ManifestPage> {
  const state = randomBytes(16).toString('hex')
  const found = Promise.withResolvers<string>()
  // whoever waits for it may come later than the error
  found.promise.catch(() => undefined)
  const server = createServer((request, response) => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    answer(request, response, { ...options, state, origin, onCode: found.resolve })
  })
  await listen(server, options.port)
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const timer = setTimeout(
    () => found.reject(new NobodyCame('nobody came back from GitHub: run it again when you have time')),
    options.milliseconds,
  )
  return {
    url: `${origin}/${state}`,
    code: found.promise,
    close: () => {
      clearTimeout(timer)
      return new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      })
    },
  }
}

interface Visit extends PageOptions {
  state: string
  origin: string
  onCode: (code: string) => void
}

function answer(request: IncomingMessage, response: ServerResponse, visit: Visit): void {
  const { web, org, manifest, state, origin, onCode } = visit
  // A page of somebody else's may have its name answered with 127.0.0.1.
  if (`http://${request.headers.host}` !== origin || request.method !== 'GET')
    return send(response, 403, 'This page is for your own browser.')
  const { pathname, searchParams } = new URL(request.url ?? '/', origin)
  if (isSame(pathname, `/${state}`)) {
    const text = JSON.stringify(manifest(`${origin}/created`))
    return send(response, 200, formOf(manifestAction(web, org, state), text), new URL(web).origin)
  }
  const code = searchParams.get('code') ?? ''
  if (pathname !== '/created') return send(response, 404, 'There is nothing here.')
  if (!isSame(searchParams.get('state') ?? '', state) || !/^[\w-]{1,100}$/.test(code))
    return send(response, 400, 'This is not what GitHub was asked for. Start again from the terminal.')
  onCode(code)
  send(response, 200, 'GitHub has made the App. Go back to the terminal.')
}

function isSame(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** A button, not a script that posts by itself: whoever presses it has read what the App may do. */
function formOf(action: string, manifest: string): string {
  const value = manifest.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  return `<p>GitHub will show you an App to create. It may read the contents of the repositories that you install it on, and write statuses and checks.</p>
<form method="post" action="${action}"><input type="hidden" name="manifest" value="${value}"><button>Go on to GitHub</button></form>`
}

function send(response: ServerResponse, status: number, body: string, formAction = "'none'"): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': `default-src 'none'; form-action ${formAction}; frame-ancestors 'none'`,
    connection: 'close',
  })
  response.end(`<!doctype html><title>hearth github setup</title>${body}\n`)
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}
