import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { listen, portOf } from '../gateway/gateway.ts'
import { type Certificate, GITHUB_HOSTS } from './certificate.ts'
import type { GitHub } from './github.ts'

/** A way for programs on this machine to take a local GitHub for github.com. */
export interface GitHubCom {
  /** for whoever is to take it so: Nix, git, curl */
  environment: Record<string, string>
  close(): Promise<void>
}

/**
 * Starts an HTTPS proxy that leads to a local GitHub whoever asks for github.com, and nobody anywhere else: so `github:acme/shells` is what it is for a company, with
 * Nix's own URLs and `access-tokens`.
 * @param github one with TLS, by this certificate
 */
export async function passForGitHubCom(github: GitHub, certificate: Certificate): Promise<GitHubCom> {
  if (github.secureUrl === undefined)
    throw new Error('this GitHub has no TLS: give createGitHub a certificate')
  const port = Number(new URL(github.secureUrl).port)
  const open = new Set<Socket>()
  const proxy = createServer((_, response) => response.writeHead(405).end())
  proxy.on('connect', (request, client: Socket) => {
    const host = (request.url ?? '').replace(/:443$/, '')
    if (!GITHUB_HOSTS.includes(host)) return client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const server = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      server.pipe(client)
      client.pipe(server)
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(one)
      // one that breaks off takes the other with it
      one.on('error', () => other.destroy())
      one.on('close', () => open.delete(one))
    }
  })
  await listen(proxy, 0)
  const url = `http://127.0.0.1:${portOf(proxy)}`
  return {
    environment: {
      https_proxy: url,
      HTTPS_PROXY: url,
      no_proxy: '127.0.0.1,localhost',
      NIX_SSL_CERT_FILE: certificate.file,
      SSL_CERT_FILE: certificate.file,
      GIT_SSL_CAINFO: certificate.file,
    },
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve())
        for (const socket of open) socket.destroy()
        proxy.closeAllConnections()
      }),
  }
}
