import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { readBody } from '../gateway/request-body.ts'
import { type Answer, refusal } from './answers.ts'
import { recordOf } from './call-log.ts'
import type { Caller } from './caller.ts'
import { findDownload, linkedTarball, serveTarball } from './endpoints/downloads.ts'
import { findRepository, type Forge } from './forge.ts'
import { whyNotFetch } from './git-access.ts'
import { serveGit } from './git-http.ts'
import { answerRest } from './rest-api.ts'

const BODY_LIMIT = 1 << 20

/** GitHub Enterprise has the REST API there, and Nix asks for it there. */
const ENTERPRISE = '/api/v3'

// Source: GitHub REST API, "Getting started", User agent required.
const NO_USER_AGENT = refusal(
  403,
  'Request forbidden by administrative rules. Please make sure your request has a User-Agent header',
)

/**
 * Answers whatever GitHub is asked: git, archives, the REST API; and writes down who asked.
 * @param origin `http://127.0.0.1:8080`, as the client calls it
 */
export async function serve(
  forge: Forge,
  request: IncomingMessage,
  response: ServerResponse,
  origin: string,
  hasSecondaryLimits: boolean,
): Promise<void> {
  const url = new URL(request.url ?? '/', origin)
  const { authorization } = request.headers
  const record = (caller: Caller | undefined, status: number, path: string): void =>
    void forge.calls.push({
      method: request.method ?? '',
      path,
      caller: recordOf(caller),
      status,
      at: forge.clock.now(),
    })

  const git = /^\/([^/]+\/[^/]+?)(?:\.git)?(\/(?:info\/refs|git-upload-pack))$/.exec(url.pathname)
  if (git !== null) {
    const repository = findRepository(forge, git[1] ?? '')
    const { caller, refused } = whyNotFetch(forge, repository, authorization)
    record(caller, refused?.status ?? 200, url.pathname + url.search)
    if (refused !== undefined || repository === undefined)
      return send(response, { status: 404, body: 'Repository not found.', ...asAnswer(refused) })
    return serveGit(repository, git[2] ?? '', request, response)
  }
  const download = findDownload(forge, url)
  if (download !== undefined) {
    // without its query, which is a key
    record({ kind: 'anonymous' }, 200, url.pathname)
    return serveTarball(download, response)
  }
  const linked = await linkedTarball(forge, url)
  if (linked !== undefined) {
    record({ kind: 'anonymous' }, 302, url.pathname)
    return send(response, { status: 302, headers: { location: linked } })
  }
  const isEnterprise = url.pathname.startsWith(`${ENTERPRISE}/`)
  const rest = new URL(url)
  if (isEnterprise) rest.pathname = url.pathname.slice(ENTERPRISE.length)
  const { answer, caller } =
    request.headers['user-agent'] === undefined
      ? { answer: NO_USER_AGENT, caller: undefined }
      : await answerRest(
          forge,
          {
            method: request.method ?? '',
            url: rest,
            addresses: { api: origin + (isEnterprise ? ENTERPRISE : ''), html: origin },
            headers: {
              accept: request.headers.accept,
              authorization,
              etag: request.headers['if-none-match'],
            },
            body: (await readBody(request, BODY_LIMIT)).toString('utf8'),
          },
          hasSecondaryLimits,
        )
  record(caller, answer.status, hidden(rest))
  send(response, answer)
}

/** A path without what would let somebody else do the same: the code of a manifest, the key of an archive. */
function hidden(url: URL): string {
  const path = url.pathname.replace(/^(\/app-manifests\/)[^/]+/, '$1…')
  return url.searchParams.has('token') ? path : path + url.search
}

function asAnswer(
  refused: { status: number; text: string; headers: Record<string, string> } | undefined,
): object {
  return refused === undefined ? {} : { status: refused.status, body: refused.text, headers: refused.headers }
}

/** Writes an answer: JSON, text, or nothing. */
export function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  const isText = typeof body === 'string'
  const bytes = Buffer.from(body === undefined ? '' : isText ? body : JSON.stringify(body))
  response.writeHead(status, {
    ...(body === undefined
      ? {}
      : { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8' }),
    'content-length': bytes.length,
    'x-github-request-id': randomUUID(),
    ...headers,
  })
  response.end(bytes)
}
