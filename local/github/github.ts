import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listen, portOf } from '../gateway/gateway.ts'
import { readBody } from '../gateway/request-body.ts'
import { serveGit } from './git-http.ts'
import { openRepository, type Repository } from './repository.ts'
import { answerRest, NOT_FOUND, type RestResponse } from './rest-api.ts'
import { openStatusLog, type CommitStatus, type StatusLog } from './status-log.ts'

export type { CommitStatus } from './status-log.ts'
export type { Repository } from './repository.ts'

export interface GitHub {
  /** base URL of the REST API, and of git: `<url>/<owner>/<repository>.git` */
  readonly url: string
  /** every commit status that was posted, oldest first */
  readonly statuses: readonly CommitStatus[]
  /** @param fullName `owner/name` @param path of a local git repository, bare or not */
  addRepository(fullName: string, path: string): Repository
  close(): Promise<void>
}

export interface GitHubOptions {
  /** where the statuses are kept, `statuses.jsonl`, for another start to find again; in memory alone when absent */
  folder?: string
  /** any free one when absent */
  port?: number
}

const BODY_LIMIT = 1 << 20

/** A GitHub on 127.0.0.1 that serves local git repositories: the part of its REST API that we use, and git over HTTP. */
export async function createGitHub({ folder, port = 0 }: GitHubOptions = {}): Promise<GitHub> {
  const repositories = new Map<string, Repository>()
  const statuses = openStatusLog(folder)
  const server = createServer((request, response) => {
    void handle(repositories, statuses, request, response)
  })
  await listen(server, port)
  return {
    statuses: statuses.all,
    url: `http://127.0.0.1:${portOf(server)}`,
    addRepository(fullName, path) {
      const repository = openRepository(fullName, path)
      repositories.set(fullName, repository)
      return repository
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function handle(
  repositories: Map<string, Repository>,
  statuses: StatusLog,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://local')
  try {
    const git = /^\/([^/]+\/[^/]+?)(?:\.git)?(\/(?:info\/refs|git-upload-pack))$/.exec(url.pathname)
    const served = repositories.get(git?.[1] ?? '')
    if (served !== undefined && git?.[2] !== undefined)
      return await serveGit(served, git[2], request, response)
    answer(response, await rest(repositories, statuses, request, url))
  } catch (error) {
    if (response.headersSent) response.destroy()
    else answer(response, { status: 500, body: { message: String(error) } })
  }
}

async function rest(
  repositories: Map<string, Repository>,
  statuses: StatusLog,
  request: IncomingMessage,
  url: URL,
): Promise<RestResponse> {
  // Source: GitHub REST API, "Getting started", User agent required.
  if (request.headers['user-agent'] === undefined)
    return {
      status: 403,
      body: {
        message:
          'Request forbidden by administrative rules. Please make sure your request has a User-Agent header',
      },
    }
  const match = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(url.pathname)
  const repository = repositories.get(match?.[1] ?? '')
  if (repository === undefined) return NOT_FOUND
  return answerRest(repository, statuses, {
    method: request.method ?? '',
    path: match?.[2] ?? '',
    query: url.searchParams,
    accept: request.headers.accept ?? '',
    body: (await readBody(request, BODY_LIMIT)).toString('utf8'),
  })
}

function answer(response: ServerResponse, { status, body }: RestResponse): void {
  const isText = typeof body === 'string'
  const bytes = Buffer.from(isText ? body : JSON.stringify(body))
  response.writeHead(status, {
    'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
    'content-length': bytes.length,
  })
  response.end(bytes)
}
