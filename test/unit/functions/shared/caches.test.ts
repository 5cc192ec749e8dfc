import { beforeEach, describe, expect, test, vi } from 'vitest'
import { openCacheIndex } from '../../../../functions/shared/cache-index/cache-index.ts'
import { openCaches } from '../../../../functions/shared/caches.ts'
import type { Upstream } from '../../../../functions/shared/contract.ts'
import { openUpstreamMemory } from '../../../../functions/shared/upstream-memory.ts'
import { fingerprint, formatNarInfo, type NarInfo } from '../../../../nix/narinfo.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf, sign } from '../../../../nix/signature.ts'
import { hashPartOf } from '../../../../nix/store-path.ts'
import { Buckets } from '../buckets.ts'
import { storePath } from '../graphs.ts'
import { serve } from '../http-server.ts'

// Without the waits between two attempts.
vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

const HELLO = storePath('hello')
const key = generateSecretKey('upstream-1')
const info: NarInfo = {
  storePath: HELLO,
  url: 'nar/hello.nar.zst',
  compression: 'zstd',
  narHash: 'sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s',
  narSize: 226_560,
  references: [],
  signatures: [],
}
const signed = { ...info, signatures: [sign(fingerprint(info), key)] }

let buckets: Buckets
let cache: ReturnType<Buckets['bucket']>
beforeEach(() => {
  buckets = new Buckets()
  cache = buckets.bucket('cache')
})
const publish = (what: NarInfo) => {
  buckets.put(`cache/${hashPartOf(HELLO)}.narinfo`, formatNarInfo(what))
}

/** An upstream with these narinfos, and how often it was asked. */
async function upstreamWith(...infos: NarInfo[]): Promise<{ upstream: Upstream; requests: () => number }> {
  let requests = 0
  const url = await serve((request, response) => {
    requests++
    const found = infos.find(({ storePath: path }) => request.url === `/${hashPartOf(path)}.narinfo`)
    response.writeHead(found === undefined ? 404 : 200).end(found && formatNarInfo(found))
  })
  return { upstream: { url, publicKeys: [formatPublicKey(publicKeyOf(key))] }, requests: () => requests }
}

describe('where a client finds a path', () => {
  test('in our cache, and then no upstream is asked', async () => {
    publish(info)
    const { upstream, requests } = await upstreamWith(signed)
    expect(await openCaches(cache, [upstream]).find(HELLO)).toEqual({ info, where: 'cache' })
    expect(requests()).toBe(0)
  })

  test('in the first upstream that has it', async () => {
    const empty = await upstreamWith()
    const full = await upstreamWith(signed)
    const never = await upstreamWith(signed)
    const caches = openCaches(cache, [empty.upstream, full.upstream, never.upstream])
    expect(await caches.find(HELLO)).toEqual({ info: signed, where: { upstream: full.upstream.url } })
    expect(never.requests()).toBe(0)
  })

  test('nowhere', async () => {
    const { upstream } = await upstreamWith()
    expect(await openCaches(cache, [upstream]).find(HELLO)).toBeUndefined()
  })

  test('not where another path with the same hash part is', async () => {
    publish({ ...info, storePath: `${HELLO.slice(0, -'hello'.length)}other` as typeof HELLO })
    expect(await openCaches(cache, []).find(HELLO)).toBeUndefined()
  })
})

describe('what is remembered', () => {
  test('a path that was found is asked for once, also by many at the same time', async () => {
    const { upstream, requests } = await upstreamWith(signed)
    const caches = openCaches(cache, [upstream])
    await Promise.all([caches.find(HELLO), caches.find(HELLO)])
    await caches.find(HELLO)
    expect(requests()).toBe(1)
  })

  test('a miss is not: it may be published a moment later', async () => {
    const caches = openCaches(cache, [])
    expect(await caches.find(HELLO)).toBeUndefined()
    publish(info)
    expect(await caches.find(HELLO)).toEqual({ info, where: 'cache' })
  })

  test('a failure is not', async () => {
    let isBroken = true
    const url = await serve((_, response) => {
      response.writeHead(isBroken ? 500 : 404).end()
    })
    const caches = openCaches(cache, [{ url, publicKeys: [] }])
    await expect(caches.find(HELLO)).rejects.toMatchObject({ name: 'UpstreamUnavailable' })
    isBroken = false
    expect(await caches.find(HELLO)).toBeUndefined()
  })

  test('what was just published is known without asking', async () => {
    const caches = openCaches(cache, [])
    caches.add(info)
    expect(await caches.find(HELLO)).toEqual({ info, where: 'cache' })
  })
})

describe('which of many paths a client finds', () => {
  const names = Array.from({ length: 100 }, (_, index) => `package-${index}`)
  const paths = names.map((name) => storePath(name))
  const show = (name: string): void =>
    buckets.put(
      `cache/${hashPartOf(storePath(name))}.narinfo`,
      formatNarInfo({ ...info, storePath: storePath(name) }),
    )
  const open = (...upstreams: Upstream[]) => {
    const state = buckets.bucket('state')
    return openCaches(cache, upstreams, openUpstreamMemory(state), openCacheIndex(state, cache))
  }
  const signedAs = (name: string): NarInfo => {
    const named = { ...info, storePath: storePath(name) }
    return { ...named, signatures: [sign(fingerprint(named), key)] }
  }

  test('all that the index knows, without a request for any of them', async () => {
    for (const name of names) show(name)
    const { upstream, requests } = await upstreamWith()
    await open(upstream).whichAreHeld(paths)
    const caches = open(upstream)
    expect(await caches.whichAreHeld(paths)).toEqual(new Set(paths))
    expect(caches.requests()).toEqual({ index: 2, memory: 0, cache: 0, upstreams: 0 })
    expect(requests()).toBe(0)
  })

  test('all that an upstream is remembered to have, without asking it or our cache again', async () => {
    const { upstream, requests } = await upstreamWith(...names.map(signedAs))
    const first = open(upstream)
    expect(await first.whichAreHeld(paths)).toEqual(new Set(paths))
    await first.save()
    expect(first.requests()).toMatchObject({ cache: 0, upstreams: 100 })
    const second = open(upstream)
    expect(await second.whichAreHeld(paths)).toEqual(new Set(paths))
    expect(second.requests()).toMatchObject({ cache: 0, upstreams: 0 })
    expect(requests()).toBe(100)
  })

  test('what nobody remembers is asked for, upstreams first: one request for each that changed', async () => {
    for (const name of names.slice(1)) show(name)
    await open().whichAreHeld(paths)
    const { upstream } = await upstreamWith()
    const caches = open(upstream)
    expect(await caches.whichAreHeld(paths)).toEqual(new Set(paths.slice(1)))
    expect(caches.requests()).toMatchObject({ cache: 1, upstreams: 1 })
  })

  test('what the index lacks, because its publisher died, costs one request, and is in it from then on', async () => {
    await open().whichAreHeld(paths)
    show('package-0')
    const first = open()
    expect(await first.whichAreHeld(paths.slice(0, 1))).toEqual(new Set(paths.slice(0, 1)))
    await first.save()
    const second = open()
    expect(await second.whichAreHeld(paths.slice(0, 1))).toEqual(new Set(paths.slice(0, 1)))
    expect(first.requests().cache).toBe(1)
    expect(second.requests().cache).toBe(0)
  })

  test('what was just published is in the index when that is saved', async () => {
    await open().whichAreHeld(paths)
    const caches = open()
    caches.add(info)
    await caches.save()
    const other = open()
    expect(await other.whichAreHeld([HELLO])).toEqual(new Set([HELLO]))
    expect(other.requests().cache).toBe(0)
  })

  test('an upstream that does not answer matters only for what our cache lacks', async () => {
    await open().whichAreHeld([])
    show('package-0')
    const url = await serve((_, response) => void response.writeHead(500).end())
    const caches = open({ url, publicKeys: [] })
    expect((await caches.whichAreHeld(paths.slice(0, 1))).size).toBe(1)
    await expect(caches.whichAreHeld(paths)).rejects.toMatchObject({ name: 'UpstreamUnavailable' })
  })

  test('without index and memory everything is asked for', async () => {
    show('package-0')
    const caches = openCaches(cache, [])
    expect(await caches.whichAreHeld(paths)).toEqual(new Set(paths.slice(0, 1)))
    expect(caches.requests()).toEqual({ index: 0, memory: 0, cache: 100, upstreams: 0 })
  })
})
