import type { S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { resign } from '../../../functions/publish/keys/resign.ts'
import type { KeyAnswer } from '../../../functions/shared/contract.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { type Bucket, findJson, writeJson } from '../../../functions/shared/objects.ts'
import type { Resigning } from '../../../functions/shared/records.ts'
import { parseNarInfo } from '../../../nix/narinfo.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf } from '../../../nix/signature.ts'
import { captureLog } from '../../unit/functions/lambda.ts'
import { serverForThisFile } from '../s3/server-fixture.ts'
import { allObjects, narinfo, narinfoKey, put, putAll, remove, unsigned } from './cache-of-narinfos.ts'

/** Re-signing against a real S3's listing and conditional writes. */

const one = generateSecretKey('acme-1')
const two = generateSecretKey('acme-2')
const stranger = generateSecretKey('evil-1')

const running = serverForThisFile([])
let cache: Bucket
let state: Bucket
let number = 0
beforeEach(async () => {
  captureLog()
  number += 1
  for (const name of ['cache', 'state']) running.server.createBucket(`${name}-${number}`)
  cache = { s3: running.s3, name: `cache-${number}` }
  state = { s3: running.s3, name: `state-${number}` }
  await keysAre('2026-01-01T00:00:00.000Z')
})
afterEach(() => {
  vi.restoreAllMocks()
})

async function keysAre(created: string): Promise<void> {
  const keys = [one, two].map((key) => ({
    name: key.name,
    publicKey: formatPublicKey(publicKeyOf(key)),
    created,
  }))
  await writeJson(state, stateKeys.signingKeys, { version: 1, keys })
}

interface Options {
  rate?: number
  execution?: string
  now?: () => Date
  s3?: S3Client
}
const run = ({
  rate = 1000,
  execution = 'resign-1',
  now = () => new Date(),
  s3 = running.s3,
}: Options = {}) =>
  resign(
    {
      cache: { ...cache, s3 },
      state: { ...state, s3 },
      keys: [one, two],
      execution,
      rate,
    },
    now,
  )
const progress = async (): Promise<Resigning> => {
  const found = await findJson<Resigning>(state, stateKeys.resigning)
  if (found === undefined) throw new Error('no pass was begun')
  return found
}
const signersOf = (text = ''): string[] =>
  parseNarInfo(text).signatures.map((signature) => signature.slice(0, signature.indexOf(':')))

/** Published paths, signed with the first key, beside NARs and logs. Of 1,200 paths the listing has more than one page. */
async function fill(paths: number): Promise<Map<string, string>> {
  const others = ['nar/a.nar.zst', 'nar/z.nar.zst', 'log/x.drv', 'nix-cache-info']
  await putAll(cache, [
    ...Array.from({ length: paths }, (_, path) => [narinfoKey(path), narinfo(path, [one])] as const),
    ...others.map((key) => [key, key] as const),
  ])
  return allObjects(cache)
}

test('every narinfo gets the signature that it lacks, and nothing else in the bucket changes', async () => {
  const before = await fill(1200)
  expect(await run()).toEqual({ verdict: 'done', change: 'resign' })
  expect(await progress()).toMatchObject({ done: 1200, total: 1200, signed: 1200, foreign: 0 })
  const after = await allObjects(cache)
  expect([...after.keys()]).toEqual([...before.keys()])
  for (const [key, text] of after) {
    expect(unsigned(text)).toBe(unsigned(before.get(key) ?? ''))
    if (key.endsWith('.narinfo')) expect(signersOf(text)).toEqual(['acme-1', 'acme-2'])
  }
})

test('what no key of ours has signed is reported and stays as it is', async () => {
  await fill(3)
  await put(cache, narinfoKey(100), narinfo(100, [stranger]))
  await put(cache, narinfoKey(101), narinfo(101, []))
  await put(cache, narinfoKey(102), narinfo(103, [one]))
  await put(cache, 'hello.narinfo', 'hello')
  const before = await allObjects(cache)
  await run()
  const foreign = [narinfoKey(100), narinfoKey(101), narinfoKey(102), 'hello.narinfo'].toSorted()
  const { done, signed, foreign: count, foreigners } = await progress()
  expect({ done, signed, count }).toEqual({ done: 7, signed: 3, count: 4 })
  expect(foreigners.map(({ key }) => key).toSorted()).toEqual(foreign)
  const after = await allObjects(cache)
  for (const key of foreign) expect(after.get(key)).toBe(before.get(key))
})

test('a slice ends before its Lambda does, and the next goes on', async () => {
  await fill(25)
  // Each look at the clock is four minutes later: a slice of ten minutes has time for some pages.
  let looks = 0
  const now = (): Date => new Date(Date.UTC(2026, 5, 1) + 4 * 60_000 * looks++)
  const answers: KeyAnswer['verdict'][] = []
  do answers.push((await run({ rate: 1, now })).verdict)
  while (answers.at(-1) === 'again' && answers.length < 20)
  expect(answers.length).toBeGreaterThan(1)
  expect(answers.at(-1)).toBe('done')
  expect(await progress()).toMatchObject({ done: 25, signed: 25 })
})

test('while a publisher may not know the newest key, nothing is looked at', async () => {
  await fill(1)
  await keysAre('2026-06-01T00:00:00.000Z')
  const at = (time: string) => run({ now: () => new Date(time) })
  expect(await at('2026-06-01T00:15:59Z')).toEqual({ verdict: 'wait', until: '2026-06-01T00:16:00.000Z' })
  expect(await findJson(state, stateKeys.resigning)).toBeUndefined()
  expect((await at('2026-06-01T00:16:00Z')).verdict).toBe('done')
})

test('a key that a dead change left out of the record is recorded, and waited for', async () => {
  const [first] = (await findJson<{ keys: unknown[] }>(state, stateKeys.signingKeys))?.keys ?? []
  await writeJson(state, stateKeys.signingKeys, { version: 1, keys: [first] })
  expect(await run({ now: () => new Date('2026-06-01T00:00:00Z') })).toEqual({
    verdict: 'wait',
    until: '2026-06-01T00:16:00.000Z',
  })
})

/** A client that lets something happen before a request is sent. */
function watched(before: (command: string, key: string) => Promise<void>): S3Client {
  const client = running.server.client()
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const { Key = '' } = args.input as { Key?: string }
      await before((context.commandName ?? '').replace(/Command$/, ''), Key)
      return next(args)
    },
    { step: 'initialize' },
  )
  return client
}

describe('somebody else is at the same narinfo', () => {
  const key = narinfoKey(0)
  test.each<[string, () => Promise<void>, string[] | undefined]>([
    ['and signs it first', () => put(cache, key, narinfo(0, [one, two])), ['acme-1', 'acme-2']],
    ['and removes it: it does not come back', () => remove(cache, key), undefined],
    ['and puts a stranger there', () => put(cache, key, narinfo(0, [stranger])), ['evil-1']],
  ])('%s', async (_, interfere, signers) => {
    await fill(1)
    let isDone = false
    const s3 = watched(async (command, where) => {
      if (isDone || command !== 'PutObject' || where !== key) return
      isDone = true
      await interfere()
    })
    expect((await run({ s3 })).verdict).toBe('done')
    expect(isDone).toBe(true)
    const text = (await allObjects(cache)).get(key)
    expect(text === undefined ? undefined : signersOf(text)).toEqual(signers)
  })
})

test('answers are lost, and the SDK asks again: what is in the way then is its own', async () => {
  await fill(5)
  const s3 = running.server.client()
  // behind the signature: what is sent twice is the same request
  s3.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName === 'PutObjectCommand') await next(args).catch(() => undefined)
      return next(args)
    },
    { step: 'finalizeRequest', priority: 'low' },
  )
  expect(await run({ s3 })).toEqual({ verdict: 'done', change: 'resign' })
  for (const [key, text] of await allObjects(cache))
    if (key.endsWith('.narinfo')) expect(signersOf(text)).toEqual(['acme-1', 'acme-2'])
})

test('a second execution takes over, and the first one stops', async () => {
  await fill(30)
  let isTakenOver = false
  const s3 = watched(async (command, key) => {
    if (isTakenOver || command !== 'PutObject' || !key.endsWith('.narinfo')) return
    isTakenOver = true
    await run({ execution: 'resign-2' })
  })
  await expect(run({ s3, rate: 1000 })).rejects.toMatchObject({ name: 'ResigningTakenOver' })
  expect(await progress()).toMatchObject({ execution: 'resign-2', done: 30 })
  for (const [key, text] of await allObjects(cache))
    if (key.endsWith('.narinfo')) expect(signersOf(text)).toEqual(['acme-1', 'acme-2'])
})

describe('killed before or after any request, and started again, it ends the same', () => {
  class Killed extends Error {
    override name = 'Killed'
  }

  test.each(['before', 'after'] as const)('%s', async (when) => {
    const originals = await fill(5)
    let kills = 0
    for (let point = 1; ; point++) {
      await putAll(cache, originals)
      await remove(state, stateKeys.resigning)
      let requests = 0
      let isDead = false
      const client = running.server.client()
      client.middlewareStack.add(
        (next) => async (args) => {
          if (isDead) throw new Killed()
          requests += 1
          const isLast = requests === point
          if (isLast) isDead = true
          if (isLast && when === 'before') throw new Killed()
          const answer = await next(args)
          if (isDead) throw new Killed()
          return answer
        },
        { step: 'initialize' },
      )
      const outcome = await run({ s3: client, rate: 1000, execution: 'resign-1' }).catch(
        (error: unknown) => error,
      )
      for (const [key, text] of await allObjects(cache)) {
        expect(unsigned(text)).toBe(unsigned(originals.get(key) ?? ''))
        if (key.endsWith('.narinfo')) expect(signersOf(text)[0]).toBe('acme-1')
      }
      if (!(outcome instanceof Killed)) {
        expect(outcome).toEqual({ verdict: 'done', change: 'resign' })
        break
      }
      kills += 1
      expect((await run({ execution: 'resign-2' })).verdict).toBe('done')
      expect(await progress()).toMatchObject({ done: 5, total: 5 })
      for (const [key, text] of await allObjects(cache))
        if (key.endsWith('.narinfo')) expect(signersOf(text)).toEqual(['acme-1', 'acme-2'])
    }
    // the records, a listing, and two requests for each of 5 narinfos
    expect(kills).toBeGreaterThan(14)
  })
})
