import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { storedConfig } from '../../../functions/shared/config.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { parseConfig } from '../../../functions/shared/parse-config.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf } from '../../../nix/signature.ts'
import { hashPartOf } from '../../../nix/store-path.ts'
import { manyNarInfoText, manyPath, narDigits } from './many-paths.ts'

const PAGE = 1000

/**
 * As much of S3 as verification reads, for a cache of any size that nobody has to write first: what a narinfo says is made when it is asked for. Every
 * thousandth path has no NAR. Signatures of requests are not looked at.
 */
export async function startManyPathsServer(
  paths: number,
): Promise<{ endpoint: string; close: () => Promise<void> }> {
  const key = generateSecretKey('cache.example.org-1')
  const numbers = new Map<string, number>()
  const objects: { key: string; size: number }[] = [{ key: 'nix-cache-info', size: 52 }]
  for (let number = 0; number < paths; number++) {
    const narinfo = `${hashPartOf(manyPath(number))}.narinfo`
    numbers.set(narinfo, number)
    objects.push({ key: narinfo, size: 800 })
    if (number % 1000 !== 999)
      objects.push({ key: `nar/${narDigits(number)}.nar.zst`, size: String(number).length })
  }
  objects.sort((one, other) => (one.key < other.key ? -1 : 1))
  const texts = new Map([
    ['/cache/nix-cache-info', 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 50\n'],
    [`/state/${stateKeys.currentConfig}`, configOf(formatPublicKey(publicKeyOf(key)))],
  ])

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://s3')
    if (searchParams.has('list-type')) {
      const start = Number(searchParams.get('continuation-token') ?? 0)
      return answer(
        response,
        200,
        pageOf(pathname === '/cache/' || pathname === '/cache' ? objects : [], start),
      )
    }
    const number = numbers.get(pathname.slice('/cache/'.length))
    const text = number === undefined ? texts.get(pathname) : manyNarInfoText(number, key)
    if (text === undefined) return answer(response, 404, '<Error><Code>NoSuchKey</Code></Error>')
    return answer(response, 200, text)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function pageOf(objects: { key: string; size: number }[], start: number): string {
  const page = objects.slice(start, start + PAGE)
  const next =
    start + PAGE < objects.length ? `<NextContinuationToken>${start + PAGE}</NextContinuationToken>` : ''
  const contents = page.map(
    ({ key, size }) =>
      `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"0"</ETag><Size>${size}</Size></Contents>`,
  )
  return `<ListBucketResult><IsTruncated>${next !== ''}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`
}

function answer(response: ServerResponse, status: number, body: string): void {
  response
    .writeHead(status, {
      'content-length': Buffer.byteLength(body),
      etag: '"0"',
      'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    })
    .end(body)
}

function configOf(publicKey: string): string {
  const config = {
    github: { api: 'https://api.github.com', git: 'https://github.com' },
    repositories: [{ name: 'acme/shells', refs: ['main'], systems: ['x86_64-linux'] }],
    cache: { publicKeys: [publicKey] },
    limits: { evaluation: { secondsPerSystem: 60, megabytes: 1024 } },
  }
  return JSON.stringify(storedConfig(parseConfig(JSON.stringify(config))))
}
