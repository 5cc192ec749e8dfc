import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/**
 * The server's side of `startServer`.
 * @param close frees what the listener needs, when the last request is answered
 */
export function serveUntilStopped(
  folder: string,
  listener: RequestListener,
  close?: () => Promise<void>,
): void {
  const port = join(folder, 'port')
  const server = createServer(listener)
  server.requestTimeout = 0
  server.listen(0, '127.0.0.1', () => writeFileSync(port, String((server.address() as AddressInfo).port)))
  process.once('SIGTERM', () => {
    server.close(() => {
      void (close?.() ?? Promise.resolve()).finally(() => rmSync(port))
    })
    server.closeAllConnections()
  })
}
