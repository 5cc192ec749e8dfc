import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { repair } from '../../../functions/publish/repair/repair.ts'
import { openCacheIndex } from '../../../functions/shared/cache-index/cache-index.ts'
import { rebuildIndex } from '../../../functions/shared/cache-index/rebuild.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import type { RepairRequest, RepairResult } from '../../../functions/shared/verification/repair-request.ts'
import type { StorePath } from '../../../nix/store-path.ts'
import { drv, out, storePath } from '../../unit/functions/graphs.ts'
import { serverForThisFile } from '../s3/server-fixture.ts'
import { narinfoKey, recordKey, SyntheticCache } from './synthetic-cache.ts'
import { incompleteNarInfos, watchDeletions } from './watched-client.ts'

const running = serverForThisFile([])
const newCache = (): Promise<SyntheticCache> =>
  SyntheticCache.create(running.s3, (name) => {
    running.server.createBucket(name)
  })

const DEV = out('lib', 'dev')
const WITH_LIB = [out('lib'), DEV, out('app'), out('plugin'), out('shell')]
const NOT_ZSTD = { file: () => Buffer.from('not zstd at all') }

interface Case {
  damage: (cache: SyntheticCache) => Promise<unknown>
  /** what is out of sight afterwards, and nothing else */
  gone: StorePath[]
  content?: boolean
}

describe('a repair takes out of sight what is broken, what refers to it, and the other outputs of its build', () => {
  const cases: [string, Case][] = [
    ['nothing, in a sound cache', { damage: async () => undefined, gone: [] }],
    ['a path without its NAR', { damage: (c) => c.remove(c.info(out('shell')).url), gone: [out('shell')] }],
    [
      'with its referrers',
      { damage: (c) => c.remove(c.info(out('app')).url), gone: [out('app'), out('shell')] },
    ],
    [
      'with the other outputs, and their referrers',
      { damage: (c) => c.remove(c.info(out('lib')).url), gone: WITH_LIB },
    ],
    [
      'an output that only others refer to: its siblings go, too',
      { damage: (c) => c.remove(c.info(DEV).url), gone: WITH_LIB },
    ],
    [
      'a path that an upstream has as well: its referrers stay',
      { damage: (c) => c.remove(c.info(out('tools')).url), gone: [out('tools')] },
    ],
    [
      'an unsigned narinfo',
      { damage: (c) => c.alter(out('app'), { signatures: [] }), gone: [out('app'), out('shell')] },
    ],
    [
      'a narinfo that is none, found by the record of its build',
      { damage: (c) => c.put(narinfoKey(DEV), 'none\n'), gone: WITH_LIB },
    ],
    [
      'a source that is no narinfo',
      { damage: (c) => c.put(narinfoKey(storePath('source')), 'none\n'), gone: [storePath('source')] },
    ],
    [
      'a narinfo of more than 1 MiB',
      { damage: (c) => c.put(narinfoKey(out('other')), 'x'.repeat(1 << 21)), gone: [out('other')] },
    ],
    [
      'another path’s narinfo',
      {
        damage: (c) => c.copy(narinfoKey(storePath('source')), narinfoKey(out('other'))),
        gone: [out('other')],
      },
    ],
    [
      'a closure that is incomplete',
      { damage: (c) => c.remove(narinfoKey(out('app'))), gone: [out('app'), out('shell')] },
    ],
    [
      'wrong bytes, with --content',
      {
        damage: (c) => c.publish(out('app'), { text: '', references: [out('lib')], ...NOT_ZSTD }, drv('app')),
        gone: [out('app'), out('shell')],
        content: true,
      },
    ],
    [
      'everything at once',
      {
        damage: async (c) => {
          await c.remove(c.info(out('lib')).url)
          await c.alter(out('tools'), { signatures: [] })
          await c.put(narinfoKey(out('shell')), '')
        },
        gone: [...WITH_LIB, out('tools')],
      },
    ],
  ]
  test.each(cases)('%s', async (_, { damage, gone, content = false }) => {
    const cache = await newCache()
    await damage(cache)
    const before = await cache.keys()
    const incompleteBefore = await incompleteNarInfos(cache)
    const newlyIncomplete: string[] = []
    await rebuildIndex(cache.state, cache.cache)
    const named: string[] = []
    const s3 = watchDeletions(running.server.client(), cache.cache.name, async () => {
      const incomplete = await incompleteNarInfos(cache)
      newlyIncomplete.push(...incomplete.filter((key) => !incompleteBefore.includes(key)))
      const visible = await cache.keys()
      const held = await openCacheIndex(cache.state, cache.cache).whichAreHeld([...WITH_LIB, ...gone])
      named.push(...[...held].map(narinfoKey).filter((key) => !visible.includes(key)))
    })

    const { results, left } = await cache.repair({ s3, content })

    expect(newlyIncomplete, 'after some deletion a closure was not there').toEqual([])
    expect(named, 'after some deletion the index named a path that was not there').toEqual([])
    const visible = await cache.keys()
    const lost = before.filter((key) => !visible.includes(key))
    expect(lost).toEqual(
      gone
        .map(narinfoKey)
        .filter((key) => before.includes(key))
        .toSorted(),
    )
    expect(results.filter(({ outcome }) => outcome !== 'quarantined')).toEqual([])
    for (const key of lost) expect(await cache.keys(cache.state)).toContain(stateKeys.quarantined(key))
    expect(left.filter(({ fault }) => fault !== 'orphan-nar')).toEqual([])
    expect(await incompleteNarInfos(cache)).toEqual([])
  })
})

test('what was quarantined is the very object, its NAR stays for retention, and its NAR is no orphan', async () => {
  const cache = await newCache()
  await cache.alter(out('shell'), { signatures: [] })
  const text = await cache.text(narinfoKey(out('shell')))
  const { left } = await cache.repair()
  expect(left).toEqual([])
  expect(await cache.text(stateKeys.quarantined(narinfoKey(out('shell'))), cache.state)).toBe(text)
  expect(await cache.keys()).toContain(cache.info(out('shell')).url)
  expect((await cache.verify()).counts.quarantined).toBe(1)
})

describe('the record of a derivation', () => {
  test('is dropped when none of its outputs is visible, and no other record is', async () => {
    const cache = await newCache()
    const before = await cache.keys(cache.state)
    await cache.remove(cache.info(DEV).url)
    await cache.repair()
    const dropped = before.filter((key) => key.startsWith('published/'))
    const kept = await cache.keys(cache.state)
    expect(dropped.filter((key) => !kept.includes(key))).toEqual(
      [
        recordKey(out('lib'), DEV),
        recordKey(out('app')),
        recordKey(out('plugin')),
        recordKey(out('shell')),
      ].toSorted(),
    )
  })

  test('is found and dropped, although it is named for an output that nobody sees', async () => {
    const cache = await newCache()
    const [first, second] = [out('lib'), DEV].toSorted()
    if (first === undefined || second === undefined) throw new TypeError('two outputs')
    await cache.remove(narinfoKey(first))
    await cache.remove(cache.info(second).url)
    await cache.repair()
    expect(await cache.keys(cache.state)).not.toContain(recordKey(out('lib'), DEV))
  })

  test('stays while one of its outputs is visible', async () => {
    const cache = await newCache()
    await cache.remove(cache.info(DEV).url)
    await ask(cache, { keys: [narinfoKey(out('plugin')), narinfoKey(DEV)] })
    expect(await cache.keys()).not.toContain(narinfoKey(DEV))
    expect(await cache.keys()).toContain(narinfoKey(out('lib')))
    expect(await cache.keys(cache.state)).toContain(recordKey(out('lib'), DEV))
  })
})

describe('Publish believes nothing that it is told', () => {
  test('what is sound stays, whoever asks', async () => {
    const cache = await newCache()
    const keys = (await cache.keys()).filter((key) => key.endsWith('.narinfo'))
    const results = await ask(cache, { keys, content: keys })
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['sound']))
    expect((await cache.verify()).faults).toEqual([])
  })

  test('a reference stays while a referrer that was not named is known to stay', async () => {
    const cache = await newCache()
    await cache.remove(cache.info(out('app')).url)
    const [result] = await ask(cache, {
      keys: [narinfoKey(out('app'))],
      evidence: [narinfoKey(out('shell'))],
    })
    expect(result).toMatchObject({ outcome: 'left' })
    expect(await cache.keys()).toContain(narinfoKey(out('app')))
  })

  test('a narinfo that changes while it is looked at stays, and so does what it refers to', async () => {
    const cache = await newCache()
    await cache.remove(cache.info(out('lib')).url)
    const client = running.server.client()
    // somebody signs it again, just before it is deleted
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const { Key } = args.input as { Key?: string }
        if (context.commandName === 'DeleteObjectCommand' && Key === narinfoKey(out('shell')))
          await cache.alter(out('shell'), {
            signatures: [...cache.info(out('shell')).signatures, 'another:sig'],
          })
        return next(args)
      },
      { step: 'initialize' },
    )
    const { results } = await cache.repair({ s3: client })
    const outcomes = Object.fromEntries(results.map(({ key, outcome }) => [key, outcome]))
    expect(outcomes).toMatchObject({
      [narinfoKey(out('shell'))]: 'left',
      [narinfoKey(out('app'))]: 'left',
      [narinfoKey(out('lib'))]: 'left',
      [narinfoKey(out('plugin'))]: 'quarantined',
    })
    expect(await cache.keys()).toContain(narinfoKey(out('lib')))
    // and the next repair takes it away
    expect((await cache.repair()).left).toEqual([])
  })
})

test('killed after every deletion and begun again, a repair ends the same', async () => {
  const reference = await newCache()
  await reference.remove(reference.info(DEV).url)
  const { results } = await reference.repair()
  for (let deletions = 1; deletions <= results.length; deletions++) {
    const cache = await newCache()
    await cache.remove(cache.info(DEV).url)
    let count = 0
    const s3: S3Client = watchDeletions(running.server.client(), cache.cache.name, async () => {
      if (++count >= deletions) throw new Error('killed')
    })
    await expect(cache.repair({ s3 })).rejects.toThrow('killed')
    const { left } = await cache.repair()
    expect(left).toEqual([])
    expect(await cache.keys()).toEqual(await reference.keys())
  }
})

test('a repair that would take much of the cache needs --force', async () => {
  const cache = await newCache()
  for (let number = 0; number < 25; number++)
    await cache.publish(storePath(`stray-${number}`), { text: `${number}`, info: { signatures: [] } })
  await expect(cache.repair({ force: false })).resolves.toMatchObject({ left: [] })
  const { s3, name } = cache.cache
  for (let number = 0; number < 25; number++) {
    const key = narinfoKey(storePath(`stray-${number}`))
    await s3.send(new PutObjectCommand({ Bucket: name, Key: key, Body: 'none\n' }))
  }
  const before = await cache.keys()
  await expect(cache.repair({ force: false })).rejects.toThrow('25 of 33 narinfos')
  expect(await cache.keys()).toEqual(before)
  await expect(cache.repair()).resolves.toBeDefined()
  expect((await cache.keys()).length).toBe(before.length - 25)
})

async function ask(cache: SyntheticCache, request: Partial<RepairRequest>): Promise<RepairResult[]> {
  const { upstreams, keys, state, now = Date.now } = cache.verification()
  const full: RepairRequest = { keys: [], evidence: [], content: [], records: [], ...request }
  return repair({ cache: cache.cache, state, upstreams, keys, now }, full, 'repair-1')
}
