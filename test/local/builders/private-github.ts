import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { join } from 'node:path'
import { serveGit } from '../../../local/github/git-http.ts'
import { openRepository } from '../../../local/github/repository.ts'

/** What it is called where its `hosts` hold: a Nix asks the true one otherwise than others. */
export const HOST = 'github.com'

/** A GitHub whose repositories are all private: git by HTTP, and tarballs by its API, as Nix's `github:` asks for them. */
export interface PrivateGitHub {
  /** a loopback address of its own, so that the ports can be those that no URL names */
  address: string
  /** for /etc/hosts of whoever is to see it */
  hosts: string
  certificate: string
  /** token -> what it reads */
  readonly tokens: Map<string, string[]>
  /** what it was asked for, and with which token; `-` without one */
  readonly asked: string[]
  close(): Promise<void>
}

/**
 * @param folder for its certificate
 * @param repositories `owner/name` -> the folder of a git repository
 */
export async function startPrivateGitHub(
  folder: string,
  repositories: ReadonlyMap<string, string>,
): Promise<PrivateGitHub> {
  const address = `127.${64 + (process.pid % 190)}.${Math.floor(process.pid / 190) % 250}.4`
  const certificate = join(folder, 'github-certificate.pem')
  const key = join(folder, 'github-key.pem')
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const names = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST},DNS:api.${HOST}`]
  execFileSync('openssl', ['req', ...kind, ...names, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  })
  const tokens = new Map<string, string[]>()
  const asked: string[] = []
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    const token = tokenOf(request)
    const git = /^\/([^/]+\/[^/]+?)(?:\.git)?(\/info\/refs|\/git-upload-pack)$/.exec(path)
    const tarball = /^\/repos\/([^/]+\/[^/]+)\/tarball\/([0-9a-f]{40})$/.exec(path)
    const name = git?.[1] ?? tarball?.[1] ?? ''
    asked.push(`${tarball === null ? 'git' : 'tarball'} ${name} ${token ?? '-'}`)
    const repository = repositories.get(name)
    // Who shows nothing is asked who he is; who may not read it is told that it is not there.
    if (git !== null && token === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="GitHub"' }).end()
    else if (repository === undefined || !(tokens.get(token ?? '') ?? []).includes(name))
      response.writeHead(404).end('{"message": "Not Found"}')
    else if (git !== null)
      void serveGit(
        openRepository(name, repository, { id: 1, isPrivate: true }),
        git[2] ?? '',
        request,
        response,
      )
    else response.end(tarballOf(repository, name, tarball?.[2] ?? ''))
  }
  const servers = [
    createHttp(answer),
    createHttps({ key: readFileSync(key), cert: readFileSync(certificate) }, answer),
  ]
  await Promise.all(servers.map((server, index) => listen(server, address, index === 0 ? 80 : 443)))
  const hosts = join(folder, 'hosts')
  writeFileSync(hosts, `127.0.0.1 localhost\n${address} ${HOST} api.${HOST}\n`)
  return {
    address,
    hosts,
    certificate,
    tokens,
    asked,
    close: async () => {
      await Promise.all(servers.map(close))
    },
  }
}

/** git's Basic authentication, or `token …`, as Nix's fetcher says it. */
function tokenOf({ headers: { authorization } }: IncomingMessage): string | undefined {
  if (authorization === undefined) return undefined
  const [kind = '', value = ''] = authorization.split(' ')
  if (kind !== 'Basic') return value
  return Buffer.from(value, 'base64')
    .toString()
    .replace(/^x-access-token:/, '')
}

function tarballOf(repository: string, name: string, commit: string): Buffer {
  const folder = `${name.replace('/', '-')}-${commit.slice(0, 7)}/`
  return execFileSync('git', ['archive', '--format=tar.gz', `--prefix=${folder}`, commit], {
    cwd: repository,
  })
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
