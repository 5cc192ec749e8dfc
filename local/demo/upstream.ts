import { createReadStream } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { formatPublicKey, formatSecretKey, generateSecretKey, publicKeyOf } from '../../nix/signature.ts'
import type { DemoMachine } from './machine.ts'
import { mustSucceed } from './on-machine.ts'

/** A public cache that had part of the closure before Hearth came, as cache.nixos.org has. */
export interface UpstreamCache {
  url: string
  publicKey: string
  close: () => Promise<void>
}

/**
 * Builds some attributes of the flake on the upstream's own machine, signs them with the upstream's own key and serves them over HTTP.
 * @param attributes full attribute paths, such as `packages.x86_64-linux.tools`
 */
export async function startUpstream(
  machine: DemoMachine,
  flake: string,
  attributes: string[],
): Promise<UpstreamCache> {
  const key = generateSecretKey('upstream.example-1')
  const keyFile = join(machine.folder, 'secret-key')
  await writeFile(keyFile, formatSecretKey(key), { mode: 0o600 })
  const cache = join(machine.folder, 'cache')
  const installables = attributes.map((attribute) => `${flake}#${attribute}`)
  await mustSucceed(machine, ['nix', 'build', '--no-link', ...installables])
  await mustSucceed(machine, [
    'nix',
    'copy',
    '--to',
    // xz, which is the default, takes a second for each busybox
    `file://${cache}?compression=zstd&secret-key=${keyFile}`,
    ...installables,
  ])
  const server = createServer((request, response) => {
    serve(cache, request.url ?? '/')
      .then(({ file, size }) => {
        response.writeHead(200, { 'content-length': size })
        return pipeline(createReadStream(file), response)
      })
      .catch(() => {
        // a client that went away, or a path that is not there: both end the same for a cache
        if (!response.headersSent) response.writeHead(404)
        response.end()
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    publicKey: formatPublicKey(publicKeyOf(key)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function serve(folder: string, url: string): Promise<{ file: string; size: number }> {
  const file = join(folder, normalize(new URL(url, 'http://cache').pathname))
  const found = await stat(file)
  if (!found.isFile()) throw new Error(`${url} is no file`)
  return { file, size: found.size }
}
