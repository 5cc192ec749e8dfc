import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { GIT_ENVIRONMENT, type Repository } from './repository.ts'

/**
 * Serves a repository over git's smart HTTP protocol, read-only, by `git http-backend`.
 * Source: git-http-backend(1); CGI is RFC 3875.
 * @param path what follows the repository in the URL: `/info/refs`, `/git-upload-pack`
 */
export async function serveGit(
  repository: Repository,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://local')
  const header = (name: string): string => String(request.headers[name] ?? '')
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...GIT_ENVIRONMENT,
      PATH: process.env['PATH'] ?? '',
      GIT_PROJECT_ROOT: repository.path,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: header('content-type'),
      CONTENT_LENGTH: header('content-length'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      GIT_PROTOCOL: header('git-protocol'),
      REMOTE_ADDR: request.socket.remoteAddress ?? '',
    },
  })
  const exited = once(child, 'exit')
  // A fetch that is broken off ends its git.
  response.once('close', () => child.kill())
  // git may answer before it has read everything; that it then closes its input is no fault.
  child.stdin.on('error', () => {})
  request.pipe(child.stdin)
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    if (head === undefined) {
      if (!response.write(chunk)) await once(response, 'drain')
      continue
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) continue
    writeHead(response, head.toString('latin1', 0, end))
    response.write(head.subarray(end + 4))
    head = undefined
  }
  await exited
  if (head !== undefined && !response.headersSent) response.writeHead(500)
  response.end()
}

/** CGI's header lines; `Status:` gives the HTTP status. */
function writeHead(response: ServerResponse, lines: string): void {
  let status = 200
  const headers: Record<string, string> = {}
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).trim()
    if (name.toLowerCase() === 'status') status = Number(value.slice(0, 3))
    else headers[name] = value
  }
  response.writeHead(status, headers)
}
