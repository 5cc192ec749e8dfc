import { zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { FaultName } from '../../../functions/shared/verification/fault.ts'
import { cacheKeys, stateKeys } from '../../../functions/shared/keys.ts'
import { writeJson } from '../../../functions/shared/objects.ts'
import { openUpstreamMemory } from '../../../functions/shared/upstream-memory.ts'
import { fingerprint, formatNarInfo, parseNarInfo } from '../../../nix/narinfo.ts'
import { formatPublicKey, publicKeyOf, sign } from '../../../nix/signature.ts'
import { hashPartOf } from '../../../nix/store-path.ts'
import { currentKeys } from '../../../functions/shared/verification/current-keys.ts'
import { drv, out, storePath } from '../../unit/functions/graphs.ts'
import { nix32 } from '../publish/staged-output.ts'
import { serverForThisFile } from '../s3/server-fixture.ts'
import { HOURS_MS, narinfoKey, stranger, SyntheticCache } from './synthetic-cache.ts'

const running = serverForThisFile([])
const newCache = (): Promise<SyntheticCache> =>
  SyntheticCache.create(running.s3, (name) => {
    running.server.createBucket(name)
  })

type Damage = (cache: SyntheticCache) => Promise<unknown>
type Expected = [fault: FaultName, key: string][]

const APP = narinfoKey(out('app'))
const otherNar = (text: string): string => cacheKeys.nar(nix32(Buffer.from(text)))

async function verified(damage: Damage, content: boolean): Promise<Expected> {
  const cache = await newCache()
  await damage(cache)
  const { faults } = await cache.verify({ content })
  return faults.map(({ fault, key }) => [fault, key])
}

test.each([[false], [true]])('a sound cache has no faults (with --content: %s)', async (content) => {
  const cache = await newCache()
  const { faults, counts } = await cache.verify({ content })
  expect(faults).toEqual([])
  expect(counts).toMatchObject({
    narinfos: 8,
    nars: 8,
    logs: 6,
    upstreamPaths: 1,
    inProgress: 0,
    quarantined: 0,
  })
})

describe('without looking into NARs it finds', () => {
  const cases: [string, Damage, Expected][] = [
    [
      'a narinfo that is no narinfo',
      (c) => c.put(narinfoKey(out('shell')), 'not a narinfo\n'),
      [
        ['malformed-narinfo', narinfoKey(out('shell'))],
        ['orphan-nar', 'NAR of shell'],
      ],
    ],
    [
      'an empty narinfo',
      (c) => c.put(narinfoKey(storePath('other')), ''),
      [
        ['malformed-narinfo', narinfoKey(out('other'))],
        ['orphan-nar', 'NAR of other'],
      ],
    ],
    [
      'a narinfo of more than 1 MiB',
      (c) => c.put(narinfoKey(storePath('new')), `StorePath: ${'x'.repeat(1 << 20)}\n`),
      [['malformed-narinfo', narinfoKey(storePath('new'))]],
    ],
    [
      'a narinfo under another path’s key',
      (c) => c.copy(narinfoKey(out('other')), narinfoKey(storePath('new'))),
      [['wrong-key', narinfoKey(storePath('new'))]],
    ],
    ['a narinfo without a signature', (c) => c.alter(out('app'), { signatures: [] }), [['unsigned', APP]]],
    [
      'a narinfo signed by a stranger',
      (c) => c.alter(out('app'), { signatures: [sign(fingerprint(c.info(out('app'))), stranger)] }),
      [['unsigned', APP]],
    ],
    [
      'a narinfo whose signature is of other bytes',
      (c) => c.alter(out('app'), { signatures: c.info(out('lib')).signatures }),
      [['unsigned', APP]],
    ],
    [
      'a URL that its FileHash does not give',
      (c) => c.alter(out('app'), { url: otherNar('x') }),
      [
        ['orphan-nar', 'NAR of app'],
        ['wrong-url', APP],
      ],
    ],
    [
      'a URL that leaves the cache',
      (c) => c.alter(out('app'), { url: `https://elsewhere.example/${'0'.repeat(52)}.nar.zst` }),
      [
        ['orphan-nar', 'NAR of app'],
        ['wrong-url', APP],
      ],
    ],
    [
      'another compression',
      (c) => c.alter(out('app'), { compression: 'xz' }),
      [
        ['orphan-nar', 'NAR of app'],
        ['wrong-url', APP],
      ],
    ],
    ['no NAR', (c) => c.remove(c.info(out('app')).url), [['nar-missing', APP]]],
    ['a NAR of another size', (c) => c.put(c.info(out('app')).url, 'short'), [['nar-size', APP]]],
    [
      'a reference that is nowhere',
      (c) => c.remove(narinfoKey(out('app'))),
      [
        ['closure-incomplete', narinfoKey(out('shell'))],
        ['orphan-nar', 'NAR of app'],
      ],
    ],
    [
      'a reference of the same hash part and another name',
      async (c) => {
        await c.publish(storePath('new'), {
          text: '',
          references: [`${out('other')}-1.0` as ReturnType<typeof out>],
        })
      },
      [['closure-incomplete', narinfoKey(storePath('new'))]],
    ],
    [
      'a reference that an upstream has, signed by another key',
      async (c) => {
        const { signatures: _, ...info } = c.info(out('other'))
        const libc = { ...info, storePath: out('libc'), signatures: [] }
        c.upstreamNarInfos.set(
          hashPartOf(out('libc')),
          formatNarInfo({ ...libc, signatures: [sign(fingerprint(libc), stranger)] }),
        )
      },
      [
        ['closure-incomplete', narinfoKey(out('lib'))],
        ['closure-incomplete', narinfoKey(out('shell'))],
      ],
    ],
    ['a NAR that no narinfo names', (c) => c.put(otherNar('x'), 'x'), [['orphan-nar', otherNar('x')]]],
    ['an object with a name of its own', (c) => c.put('notes.txt', 'x'), [['foreign-object', 'notes.txt']]],
    [
      'a NAR with another ending',
      (c) => c.put(otherNar('x').replace('zst', 'xz'), 'x'),
      [['foreign-object', otherNar('x').replace('zst', 'xz')]],
    ],
    [
      'a narinfo with a name too short',
      (c) => c.put('abc.narinfo', 'x'),
      [['foreign-object', 'abc.narinfo']],
    ],
    ['no nix-cache-info', (c) => c.remove('nix-cache-info'), [['cache-info', 'nix-cache-info']]],
    [
      'a nix-cache-info of another store',
      (c) => c.put('nix-cache-info', 'StoreDir: /gnu/store\nWantMassQuery: 1\nPriority: 50\n'),
      [['cache-info', 'nix-cache-info']],
    ],
    [
      'a nix-cache-info without mass queries',
      (c) => c.put('nix-cache-info', 'StoreDir: /nix/store\nPriority: 50\n'),
      [['cache-info', 'nix-cache-info']],
    ],
    [
      'an output that stayed when another of its build was quarantined',
      async (c) => {
        const dev = narinfoKey(out('lib', 'dev'))
        await c.remove(narinfoKey(out('plugin')))
        await c.put(stateKeys.quarantined(dev), await c.text(dev), c.state)
        await c.remove(dev)
      },
      [
        ['orphan-nar', 'NAR of plugin'],
        ['outputs-apart', narinfoKey(out('lib'))],
      ],
    ],
  ]
  test.each(cases)('%s', async (_, damage, expected) => {
    let cache: SyntheticCache | undefined
    const found = await verified(async (c) => {
      cache = c
      await damage(c)
    }, false)
    expect(found).toEqual(sorted(expected.map(([fault, key]) => [fault, resolve(cache, key)])))
  })
})

describe('with --content it finds', () => {
  const OTHER = narinfoKey(out('other'))
  const cases: [string, Damage, Expected][] = [
    [
      'other bytes of the same size',
      (c) =>
        c.publish(
          out('other'),
          {
            text: 'other',
            stored: (file) => Buffer.from(file.map((byte, at) => (at === file.length - 1 ? byte ^ 1 : byte))),
          },
          drv('other'),
        ),
      [['nar-bytes', OTHER]],
    ],
    [
      'a file that is not zstd',
      (c) =>
        c.publish(out('other'), { text: 'other', file: () => Buffer.from('not zstd at all') }, drv('other')),
      [['nar-bytes', OTHER]],
    ],
    [
      'a NAR with something behind its end',
      (c) =>
        c.publish(
          out('other'),
          { text: 'other', nar: (nar) => Buffer.concat([nar, Buffer.alloc(8)]) },
          drv('other'),
        ),
      [['nar-bytes', OTHER]],
    ],
    [
      'a second zstd frame',
      (c) =>
        c.publish(
          out('other'),
          { text: 'other', file: (file) => Buffer.concat([file, zstdCompressSync(Buffer.from('more'))]) },
          drv('other'),
        ),
      [['nar-bytes', OTHER]],
    ],
    [
      'another NarHash',
      (c) =>
        c.publish(
          out('other'),
          { text: 'other', info: { narHash: `sha256:${'1'.repeat(52)}` } },
          drv('other'),
        ),
      [['nar-bytes', OTHER]],
    ],
    [
      'another NarSize',
      (c) => c.publish(out('other'), { text: 'other', info: { narSize: 4096 } }, drv('other')),
      [['nar-bytes', OTHER]],
    ],
    [
      'a bomb behind a small NarSize',
      (c) => c.publish(out('other'), { text: 'x'.repeat(1 << 20), info: { narSize: 112 } }, drv('other')),
      [['nar-bytes', OTHER]],
    ],
    [
      'a reference that it does not contain',
      (c) => c.publish(out('other'), { text: 'other', references: [out('lib')] }, drv('other')),
      [['nar-references', OTHER]],
    ],
    [
      'its own path, not declared',
      (c) => c.publish(out('other'), { text: `I am ${out('other')}` }, drv('other')),
      [['nar-references', OTHER]],
    ],
    [
      'what its reference refers to, not declared',
      (c) =>
        c.publish(
          out('other'),
          { text: `${out('app')} ${out('lib')}`, references: [out('app')] },
          drv('other'),
        ),
      [['nar-references', OTHER]],
    ],
  ]
  test.each(cases)('%s', async (_, damage, expected) => {
    const found = (await verified(damage, true)).filter(([fault]) => fault !== 'orphan-nar')
    expect(found).toEqual(expected)
  })
})

describe('no fault is', () => {
  test('a NAR that is younger than an hour: it may be being published', async () => {
    const cache = await newCache()
    await cache.put(otherNar('x'), 'x')
    const { faults, counts } = await cache.verify({ now: () => Date.now() + 0.9 * HOURS_MS })
    expect({ faults, inProgress: counts.inProgress }).toEqual({ faults: [], inProgress: 1 })
  })

  test('a signature by a key that signs now, though hearth.yml does not name it', async () => {
    const cache = await newCache()
    await cache.publish(storePath('new'), { text: 'new' }, undefined, stranger)
    const facts = {
      name: stranger.name,
      publicKey: formatPublicKey(publicKeyOf(stranger)),
      created: '2026-01-01T00:00:00Z',
    }
    await writeJson(cache.state, stateKeys.signingKeys, { version: 1, keys: [facts] })
    expect((await cache.verify({ keys: await currentKeys(cache.state) })).faults).toEqual([])
    const retired = { ...facts, retired: '2026-02-01T00:00:00Z' }
    await writeJson(cache.state, stateKeys.signingKeys, { version: 1, keys: [retired] })
    expect(await cache.verify({ keys: await currentKeys(cache.state) })).toMatchObject({
      faults: [{ fault: 'unsigned' }],
    })
  })

  test('a NAR that two narinfos share', async () => {
    const cache = await newCache()
    const { url, fileHash, fileSize, narHash, narSize } = cache.info(out('other'))
    await cache.publish(storePath('twin'), {
      text: 'other',
      info: { url, fileHash: fileHash ?? '', fileSize: fileSize ?? 0, narHash, narSize },
    })
    expect(
      (await cache.verify({ content: true })).faults.filter(({ fault }) => fault !== 'orphan-nar'),
    ).toEqual([])
  })

  test('what another prefix has: it is asked for, and only what begins with the prefix is looked at', async () => {
    const cache = await newCache()
    const prefix = hashPartOf(out('app')).slice(0, 3)
    await cache.put('notes.txt', 'x')
    await cache.alter(out('lib'), { signatures: [] })
    expect(await cache.verify({ prefix })).toMatchObject({ faults: [], counts: { narinfos: 1, nars: 0 } })
    await cache.remove(cache.info(out('app')).url)
    expect((await cache.verify({ prefix })).faults).toMatchObject([{ fault: 'nar-missing', key: APP }])
  })

  describe('what an upstream was found to have by Plan or Publish', () => {
    test.each([
      ['23 hours ago is not asked for again', 23, []],
      ['25 hours ago is', 25, ['closure-incomplete', 'closure-incomplete']],
    ])('%s, and nothing is written', async (_, hours, faults) => {
      const cache = await newCache()
      const now = Date.now()
      const libc = parseNarInfo(cache.upstreamNarInfos.get(hashPartOf(out('libc'))) ?? '')
      const memory = openUpstreamMemory(cache.state, () => now - hours * HOURS_MS)
      memory.note(cache.upstream, libc)
      await memory.save()
      cache.upstreamNarInfos.delete(hashPartOf(out('libc')))
      const before = await cache.keys(cache.state)
      const found = await cache.verify({ now: () => now })
      expect(found.faults.map(({ fault }) => fault)).toEqual(faults)
      expect(await cache.keys(cache.state)).toEqual(before)
    })
  })

  test('an upstream that does not answer: then nobody knows, and it says so', async () => {
    const cache = await newCache()
    const upstreams = [{ ...cache.upstream, url: 'http://127.0.0.1:9' }]
    expect(await cache.verify({ upstreams })).toMatchObject({
      faults: [
        { fault: 'upstream-unavailable', key: expect.any(String) as string },
        { fault: 'upstream-unavailable', key: expect.any(String) as string },
      ],
    })
  })
})

/** `NAR of app` stands for the key of that NAR. */
function resolve(cache: SyntheticCache | undefined, key: string): string {
  const name = /^NAR of (.*)$/.exec(key)?.[1]
  if (name === undefined) return key
  const { fileHash = '' } = cache?.info(out(name)) ?? {}
  return cacheKeys.nar(fileHash.slice('sha256:'.length))
}

function sorted(faults: Expected): Expected {
  return faults.toSorted(([, one], [, other]) => (one < other ? -1 : 1))
}
