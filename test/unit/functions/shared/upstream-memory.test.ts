import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { zstdCompressSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { openCaches } from '../../../../functions/shared/caches.ts'
import { openUpstreamMemory } from '../../../../functions/shared/upstream-memory.ts'
import { fingerprint, formatNarInfo, type NarInfo } from '../../../../nix/narinfo.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf, sign } from '../../../../nix/signature.ts'
import { hashPartOf } from '../../../../nix/store-path.ts'
import { Buckets, refusal } from '../buckets.ts'
import { out } from '../graphs.ts'
import { serve } from '../http-server.ts'

const HOUR = 60 * 60 * 1000
const UPSTREAM = { url: 'https://cache.nixos.org', publicKeys: ['key-1:a', 'key-2:b'] }
const known = (name: string) => ({
  storePath: out(name),
  narHash: `sha256:${name}`,
  narSize: 96,
  references: [out('libc')],
})

let buckets: Buckets
let later = 0
beforeEach(() => {
  buckets = new Buckets()
  later = 0
})
const open = () => openUpstreamMemory(buckets.bucket('state'), () => Date.now() + later)
async function noted(...names: string[]): Promise<void> {
  const memory = open()
  for (const name of names) memory.note(UPSTREAM, known(name))
  await memory.save()
}

describe('what an upstream was found to have is remembered for a day', () => {
  test('by the same function at once, by others when it is saved', async () => {
    const memory = open()
    expect(await memory.recall(UPSTREAM, out('hello'))).toBeUndefined()
    memory.note(UPSTREAM, known('hello'))
    expect(await memory.recall(UPSTREAM, out('hello'))).toEqual(known('hello'))
    expect(await open().recall(UPSTREAM, out('hello'))).toBeUndefined()
    await memory.save()
    expect(await open().recall(UPSTREAM, out('hello'))).toEqual(known('hello'))
  })
  test.each([
    [23, known('hello')],
    [25, undefined],
  ])('%i hours later', async (hours, expected) => {
    await noted('hello')
    later = hours * HOUR
    expect(await open().recall(UPSTREAM, out('hello'))).toEqual(expected)
  })
  test.each([
    ['another URL', { ...UPSTREAM, url: 'https://cache.example.org' }, undefined],
    ['another key', { ...UPSTREAM, publicKeys: ['key-1:a'] }, undefined],
    ['the same keys in another order', { ...UPSTREAM, publicKeys: ['key-2:b', 'key-1:a'] }, known('hello')],
  ])('of an upstream: %s', async (_, upstream, expected) => {
    await noted('hello')
    expect(await open().recall(upstream, out('hello'))).toEqual(expected)
  })
  test('what has expired is dropped when something new is written beside it', async () => {
    await noted('hello')
    const [key = ''] = buckets.keys('state')
    later = 25 * HOUR
    const sameShard = Array.from({ length: 500 }, (_, index) => `p${index}`).find(
      (name) => hashPartOf(out(name))[0] === hashPartOf(out('hello'))[0],
    )
    await noted(sameShard ?? '')
    expect(buckets.keys('state')).toEqual([key])
    later = 0
    expect(await open().recall(UPSTREAM, out('hello'))).toBeUndefined()
    expect(await open().recall(UPSTREAM, out(sameShard ?? ''))).toBeDefined()
  })
})

describe('objects are few and bounded', () => {
  test('20,000 paths are in 32 objects, read and written once each', async () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `path-${index}`)
    await noted(...names)
    expect(buckets.keys('state')).toHaveLength(32)
    expect(buckets.written).toHaveLength(32)
    const reads = buckets.mock.commandCalls(GetObjectCommand).length
    const memory = open()
    for (const name of names) expect(await memory.recall(UPSTREAM, out(name))).toBeDefined()
    await memory.save()
    expect(buckets.mock.commandCalls(GetObjectCommand).length - reads).toBe(32)
    expect(buckets.written).toHaveLength(32)
  })
  test('of more than 8,000 in one object the oldest go', async () => {
    const [key = ''] = await noted('hello').then(() => buckets.keys('state'))
    const old = Array.from({ length: 8000 }, (_, index): [string, unknown[]] => [
      `${out('hello')}-${index}`,
      ['sha256:x', 96, [], Date.now() - HOUR],
    ])
    old[0] = [`${out('hello')}-oldest`, ['sha256:x', 96, [], Date.now() - 2 * HOUR]]
    buckets.put(`state/${key}`, zstdCompressSync(JSON.stringify(Object.fromEntries(old))))
    await noted('hello')
    const memory = open()
    const recall = async (name: string) =>
      memory.recall(UPSTREAM, `${out('hello')}${name}` as ReturnType<typeof out>)
    expect(await recall('')).toBeDefined()
    expect(await recall('-7999')).toBeDefined()
    expect(await recall('-oldest')).toBeUndefined()
  })
})

describe('several write at the same time', () => {
  test('and nothing of anybody is lost', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `path-${index}`)
    const memories = [open(), open(), open()]
    for (const [index, memory] of memories.entries()) {
      await Promise.all(names.map(async (name) => memory.recall(UPSTREAM, out(name))))
      memory.note(UPSTREAM, known(`of-${index}`))
      for (const name of names) if (name.endsWith(String(index))) memory.note(UPSTREAM, known(name))
    }
    await Promise.all(memories.map(async (memory) => memory.save()))
    const memory = open()
    for (const name of ['of-0', 'of-1', 'of-2', 'path-10', 'path-21', 'path-32'])
      expect({ name, known: await memory.recall(UPSTREAM, out(name)) }).toEqual({ name, known: known(name) })
  })
  test('who never wins gives up: it is only asked again', async () => {
    buckets.mock.on(PutObjectCommand).rejects(refusal(409, 'ConditionalRequestConflict'))
    await noted('hello')
    expect(await open().recall(UPSTREAM, out('hello'))).toBeUndefined()
  })
  test('any other refusal is an error', async () => {
    buckets.mock.on(PutObjectCommand).rejects(refusal(403, 'AccessDenied'))
    await expect(noted('hello')).rejects.toThrow('AccessDenied')
  })
})

describe('the caches ask an upstream only for what is not remembered', () => {
  const key = generateSecretKey('upstream-1')
  const other = generateSecretKey('upstream-1')
  async function upstreamWith(secret = key) {
    const info: NarInfo = {
      ...known('hello'),
      narHash: 'sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s',
      url: 'nar/x',
      compression: 'xz',
      signatures: [],
    }
    const text = formatNarInfo({ ...info, signatures: [sign(fingerprint(info), secret)] })
    const asked: string[] = []
    const url = await serve((request, response) => {
      asked.push(request.url ?? '')
      const isThere = request.url === `/${hashPartOf(out('hello'))}.narinfo`
      response.writeHead(isThere ? 200 : 404).end(isThere ? text : undefined)
    })
    return { upstream: { url, publicKeys: [formatPublicKey(publicKeyOf(key))] }, asked }
  }
  const find = async (upstream: typeof UPSTREAM, name: string) => {
    const memory = open()
    const held = await openCaches(buckets.bucket('cache'), [upstream], memory).find(out(name))
    await memory.save()
    return held?.where
  }

  test('a path that it has: once in a day, by whomever', async () => {
    const { upstream, asked } = await upstreamWith()
    for (let run = 0; run < 3; run++)
      expect(await find(upstream, 'hello')).toEqual({ upstream: upstream.url })
    expect(asked).toHaveLength(1)
    later = 25 * HOUR
    await find(upstream, 'hello')
    expect(asked).toHaveLength(2)
  })
  test('a path that it lacks: each time', async () => {
    const { upstream, asked } = await upstreamWith()
    for (let run = 0; run < 3; run++) expect(await find(upstream, 'other')).toBeUndefined()
    expect(asked).toHaveLength(3)
  })
  test('a path that it has with a wrong signature: each time', async () => {
    const { upstream, asked } = await upstreamWith(other)
    for (let run = 0; run < 3; run++) expect(await find(upstream, 'hello')).toBeUndefined()
    expect(asked).toHaveLength(3)
  })
})
