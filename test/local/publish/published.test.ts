import { brotliCompressSync } from 'node:zlib'
import { GetObjectTaggingCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { cacheKeys, stagedKeys, stateKeys } from '../../../functions/shared/keys.ts'
import { baseNameOf, hashPartOf } from '../../../nix/store-path.ts'
import { stagedOutput } from './staged-output.ts'
import { expectSound, visibleNarInfos } from './visible.ts'
import { BUILD, drv, out, prefixOf } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()
const LIBC = { text: 'the C library' }
const HELLO = {
  text: `#! ${out('libc')}/bin/sh, and itself: ${out('hello')}`,
  references: [out('libc'), out('hello')],
}
const sketches = { hello: { needs: ['libc'] }, libc: {} }

async function helloIsBuilt() {
  const world = newWorld(sketches)
  await world.published(out('libc'), LIBC)
  await world.built('hello', { out: HELLO })
  return world
}

describe('a derivation that was built and staged as it should be', () => {
  test('becomes visible: signed, with its NAR, its references and its deriver', async () => {
    const world = await helloIsBuilt()
    const { info } = await stagedOutput(out('hello'), HELLO)
    expect(await world.publish(['hello'])).toEqual([
      { drvPath: drv('hello'), outcome: 'published', seconds: 1.5, bytes: info.fileSize },
    ])
    expect(await expectSound(world)).toEqual([out('hello'), out('libc')].toSorted())
    const visible = (await visibleNarInfos(world)).find(({ storePath }) => storePath === out('hello'))
    expect(visible).toEqual({
      ...info,
      references: [out('hello'), out('libc')].toSorted(),
      deriver: drv('hello'),
      signatures: [expect.stringMatching(/^cache\.example\.org-1:/) as string],
    })
  })

  test('NAR first, narinfo last', async () => {
    const world = await helloIsBuilt()
    await world.publish(['hello'])
    const writes = world.requests
      .filter(({ input }) => input.Bucket === world.cache.name)
      .filter(({ command }) => command !== 'GetObject')
    const { fileHash } = await stagedOutput(out('hello'), HELLO)
    expect(writes.map(({ command, input }) => `${command} ${input.Key}`)).toEqual([
      `CopyObject nar/${fileHash}.nar.zst`,
      // a log that was not staged
      `CopyObject log/${baseNameOf(drv('hello'))}`,
      `PutObject ${hashPartOf(out('hello'))}.narinfo`,
    ])
  })

  test('leaves which build of it stands, before anything is visible', async () => {
    const world = await helloIsBuilt()
    const key = stateKeys.published(hashPartOf(out('hello')))
    let claimed: Buffer | undefined
    world.before = async ({ command }) => {
      if (command === 'CopyObject') claimed ??= await world.get(world.state, key)
    }
    await world.publish(['hello'])
    const { info } = await stagedOutput(out('hello'), HELLO)
    expect(JSON.parse(claimed?.toString('utf8') ?? 'null')).toEqual({
      version: 1,
      drvPath: drv('hello'),
      outputs: {
        out: {
          storePath: out('hello'),
          narHash: info.narHash,
          narSize: info.narSize,
          references: [out('hello'), out('libc')].toSorted(),
          fileHash: info.fileHash,
          fileSize: info.fileSize,
          etag: expect.stringMatching(/^"[0-9a-f]{32}"$/) as string,
        },
      },
      sources: [],
      inputs: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      run: 'push-acme-shells-1',
      build: BUILD,
      prefix: prefixOf(BUILD),
      begun: expect.stringMatching(/^20/) as string,
    })
  })

  test('a second time it ends the same: nothing is written, no NAR is read, and what was added is still counted', async () => {
    const world = await helloIsBuilt()
    const first = await world.publish(['hello'])
    const { fileHash } = await stagedOutput(out('hello'), HELLO)
    world.requests.length = 0
    expect(await world.publish(['hello'])).toEqual(first)
    expect(world.requests.filter(({ command }) => command !== 'GetObject')).toEqual([])
    expect(world.requests.map(({ input }) => input.Key)).not.toContain(
      stagedKeys.nar(prefixOf(BUILD), fileHash),
    )
  })
})

describe("nothing of a builder's own metadata survives", () => {
  test('of the NAR', async () => {
    const world = await helloIsBuilt()
    const { file, fileHash } = await stagedOutput(out('hello'), HELLO)
    await world.put(world.staging, stagedKeys.nar(prefixOf(BUILD), fileHash), file, {
      ContentType: 'text/html',
      ContentEncoding: 'gzip',
      CacheControl: 'no-store',
      Metadata: { evil: 'yes' },
      Tagging: 'evil=yes',
    })
    await world.publish(['hello'])
    const where = { Bucket: world.cache.name, Key: cacheKeys.nar(fileHash) }
    const head = await world.cache.s3.send(new HeadObjectCommand(where))
    expect(head).toMatchObject({ ContentType: 'application/x-nix-nar', Metadata: {} })
    expect([head.ContentEncoding, head.CacheControl]).toEqual([undefined, undefined])
    expect((await world.cache.s3.send(new GetObjectTaggingCommand(where))).TagSet).toEqual([])
  })

  test('of the log, which Nix finds compressed with brotli', async () => {
    const world = await helloIsBuilt()
    const log = brotliCompressSync('compiling hello\n')
    const base = baseNameOf(drv('hello'))
    await world.put(world.staging, stagedKeys.log(prefixOf(BUILD), base), log, {
      ContentType: 'text/html',
      Metadata: { evil: 'yes' },
    })
    await world.publish(['hello'])
    expect(await world.get(world.cache, `log/${base}`)).toEqual(log)
    const where = { Bucket: world.cache.name, Key: `log/${base}` }
    expect(await world.cache.s3.send(new HeadObjectCommand(where))).toMatchObject({
      ContentType: 'text/plain; charset=utf-8',
      ContentEncoding: 'br',
      Metadata: {},
    })
  })

  test('of the narinfo: signatures and fields that it made up are gone', async () => {
    const world = newWorld(sketches)
    await world.published(out('libc'), LIBC)
    const forged = {
      signatures: ['cache.example.org-1:AAAA'],
      extra: [['Trusted', 'yes'] as [string, string]],
    }
    await world.built('hello', { out: { ...HELLO, info: forged } })
    await world.publish(['hello'])
    const text = (await world.get(world.cache, `${hashPartOf(out('hello'))}.narinfo`))?.toString('utf8')
    expect(text).not.toContain('AAAA')
    expect(text).not.toContain('Trusted')
    await expectSound(world)
  })
})

describe('references before referrers', () => {
  test('two outputs of one derivation, given the other way round', async () => {
    // `a-bin` refers to `a`, whose name stands before it in every list
    const world = newWorld({ a: { outputs: ['bin', 'out'] } })
    await world.built('a', {
      bin: { text: `see ${out('a')}`, references: [out('a')] },
      out: { text: 'the library' },
    })
    expect(await world.outcomes(['a'])).toEqual({ a: 'published' })
    const narinfos = world.requests.filter(
      ({ command, input }) => command === 'PutObject' && input.Bucket === world.cache.name,
    )
    expect(narinfos.map(({ input }) => input.Key)).toEqual([
      `${hashPartOf(out('a'))}.narinfo`,
      `${hashPartOf(out('a', 'bin'))}.narinfo`,
    ])
    await expectSound(world)
  })

  test('derivations of one batch, each after those that it needs', async () => {
    const chain = { app: { needs: ['lib'] }, lib: { needs: ['libc'] }, libc: {} }
    const texts = {
      libc: { text: 'the C library' },
      lib: { text: `uses ${out('libc')}`, references: [out('libc')] },
      app: { text: `uses ${out('lib')}`, references: [out('lib')] },
    }
    const world = newWorld(chain)
    const hash = async (name: keyof typeof texts) => (await stagedOutput(out(name), texts[name])).info.narHash
    const used = { [out('libc')]: await hash('libc'), [out('lib')]: await hash('lib') }
    for (const name of ['app', 'lib', 'libc'] as const)
      await world.built(name, { out: texts[name] }, { inputs: used })
    expect(await world.outcomes(['libc', 'lib', 'app'])).toEqual({
      libc: 'published',
      lib: 'published',
      app: 'published',
    })
    expect(await expectSound(world)).toHaveLength(3)
  })
})
