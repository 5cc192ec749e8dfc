import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findDownloads } from '../../../functions/record/find-downloads.ts'
import type { ShellDownloads, Upstream, WavePlan } from '../../../functions/shared/contract.ts'
import { readNixOutput } from '../../../local/demo/nix-output.ts'
import { formatPublicKey, formatSecretKey, generateSecretKey, publicKeyOf } from '../../../nix/signature.ts'
import { hashPartOf, nameOf, type StorePath } from '../../../nix/store-path.ts'
import { TemporaryStore } from '../nix/temporary-store.ts'
import { serverForThisFile } from '../s3/server-fixture.ts'

/*
 * A closure in two caches, ours and an upstream, and a laptop with real Nix that fetches it: what Record says that it downloads is what it downloads.
 */
const key = generateSecretKey('cache.example.org-1')
const publicKey = formatPublicKey(publicKeyOf(key))
const running = serverForThisFile(['cache', 'state'])
const store = new TemporaryStore()
const laptop = new TemporaryStore()
const servers: Server[] = []
let root: StorePath
let closure: StorePath[]
let ours: string
let upstream: Upstream

/** What the upstream has; the rest is ours, and `alone` is in both. */
const IN_UPSTREAM = ['alone', 'self', 'fixed', 'script.sh']
const IN_BOTH = ['alone']

beforeAll(async () => {
  const [all = '' as StorePath] = store.paths(
    'nix-build',
    '--no-out-link',
    join(import.meta.dirname, '../nix/packages.nix'),
  )
  root = all
  closure = store.paths('nix-store', '--query', '--requisites', root)
  const keyFile = join(store.root, 'key')
  writeFileSync(keyFile, formatSecretKey(key))
  store.text(
    'nix',
    'copy',
    '--to',
    `file://${join(store.root, 'all')}?compression=zstd&secret-key=${keyFile}`,
    root,
  )
  ours = await serve(50, (name) => !IN_UPSTREAM.includes(name) || IN_BOTH.includes(name))
  upstream = { url: await serve(40, (name) => IN_UPSTREAM.includes(name)), publicKeys: [publicKey] }
  for (const path of closure)
    if (!IN_UPSTREAM.includes(nameOf(path)) || IN_BOTH.includes(nameOf(path)))
      await running.s3.send(
        new PutObjectCommand({
          Bucket: 'cache',
          Key: `${hashPartOf(path)}.narinfo`,
          Body: readFileSync(join(store.root, 'all', `${hashPartOf(path)}.narinfo`)),
        }),
      )
})
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  store.remove()
  laptop.remove()
})

/** A cache with some of the paths, by their names. @returns its URL */
async function serve(priority: number, has: (name: string) => boolean): Promise<string> {
  const folder = join(store.root, 'all')
  const visible = new Set(
    closure.filter((path) => has(nameOf(path))).map((path) => `/${hashPartOf(path)}.narinfo`),
  )
  const server = createServer(({ url = '' }, response) => {
    const file = join(folder, url)
    if (url === '/nix-cache-info')
      response.end(`StoreDir: /nix/store\nWantMassQuery: 1\nPriority: ${priority}\n`)
    else if (existsSync(file) && (visible.has(url) || url.startsWith('/nar/')))
      response.end(readFileSync(file))
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  servers.push(server)
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What a laptop that has nothing fetches, by the cache. Ours stands first among its substituters: their priorities decide. */
async function fetched(): Promise<Record<string, string[]>> {
  const { stderr } = await promisify(execFile)(
    'nix-store',
    ['--store', join(laptop.root, 'store'), '--realise', root],
    {
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: join(laptop.root, 'home'),
        NIX_CONFIG: `substituters = ${ours} ${upstream.url}\ntrusted-public-keys = ${publicKey}\nmax-jobs = 0\n`,
      },
    },
  )
  const paths: Record<string, string[]> = {}
  for (const { path, from } of readNixOutput(stderr).downloaded)
    paths[from === ours ? 'cache' : from] = [...(paths[from === ours ? 'cache' : from] ?? []), path]
  return paths
}

/** FileSize of all of these, as Nix reads it from the binary cache. */
function downloadSize(paths: string[]): number {
  const json: unknown = JSON.parse(
    store.elsewhere('nix', 'path-info', '--json', '--store', `file://${join(store.root, 'all')}`, ...paths),
  )
  const infos = Object.values(json as Record<string, { downloadSize: number }>)
  expect(infos).toHaveLength(paths.length)
  return infos.reduce((sum, info) => sum + info.downloadSize, 0)
}

function shellsOf(paths: StorePath[]): WavePlan {
  const shell = {
    attribute: 'devShells.x86_64-linux.default',
    system: 'x86_64-linux',
    paths,
    status: 'warm',
  } as const
  return {
    version: 1,
    run: 'run-1',
    wave: 1,
    verdict: 'done',
    target: { repository: 'acme/shells', ref: 'refs/heads/main', commit: '6'.repeat(40) },
    config: '',
    shells: [shell],
    lanes: [],
    derivations: { graph: 0, missing: 0, scheduled: 0 },
  }
}

async function downloads(): Promise<{ shell: ShellDownloads | undefined; requests: number }> {
  const last = shellsOf([root])
  const { downloads: found, requests } = await findDownloads(
    { s3: running.s3, name: 'state' },
    { s3: running.s3, name: 'cache' },
    { run: 'run-1', plans: [last], last, batches: [], upstreams: [upstream], began: Date.now() },
    (message) => {
      throw new Error(message)
    },
    () => false,
  )
  return { shell: found.shells[0], requests: requests.caches }
}

describe('what Record says that a new laptop downloads', () => {
  test('is what it downloads: as many paths and bytes of each cache', async () => {
    expect(readdirSync(join(store.root, 'all')).filter((name) => name.endsWith('.narinfo'))).toHaveLength(
      closure.length,
    )
    const byNix = await fetched()
    // otherwise the two would agree on nothing much
    expect([byNix['cache']?.length, byNix[upstream.url]?.length]).toEqual([3, 4])
    const { shell } = await downloads()
    expect(shell?.sources).toEqual(
      [upstream.url, 'cache'].map((source) => ({
        source,
        paths: byNix[source]?.length,
        bytes: downloadSize(byNix[source] ?? []),
      })),
    )
    expect(shell).toMatchObject({ unknown: 0, missing: 0, builtPaths: 0 })
  })
  test('costs no request to a cache the next time', async () => {
    const before = await downloads()
    const after = await downloads()
    expect(after).toEqual({ shell: before.shell, requests: 0 })
  })
})
