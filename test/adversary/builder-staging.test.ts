import { GetObjectTaggingCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { cacheKeys, stagedKeys } from '../../functions/shared/keys.ts'
import { fingerprint, parseNarInfo } from '../../nix/narinfo.ts'
import { generateSecretKey, sign } from '../../nix/signature.ts'
import { baseNameOf, hashPartOf } from '../../nix/store-path.ts'
import type { Output } from '../local/publish/staged-output.ts'
import { narHashOf, stagedOutput } from '../local/publish/staged-output.ts'
import { expectSound, keysOf, visibleNarInfos } from '../local/publish/visible.ts'
import { OTHER_BUILD, prefixOf, type Request, type World } from '../local/publish/world.ts'
import { worldsForThisFile } from '../local/publish/world-of-this-file.ts'
import {
  attacksOfABuilder,
  BUILD,
  drv,
  HONEST,
  type Line,
  out,
  UNRELATED,
  victimsOfThisFile,
} from './victim.ts'
import { frame, raw } from './zstd-frame.ts'

/*
 * The attacker is one builder, or two together, and plays with what is staged where, and when.
 */
const repelled = attacksOfABuilder(['single'])
const newVictim = victimsOfThisFile()
const newWorld = worldsForThisFile()

const INVALID = 'StagedResultInvalid'
const EVIL = frame(raw(Buffer.from('evil, and never verified')))

/** Does something to the staged NAR of `app` in the moment before Publish sends its first request of this kind about it. */
const inTheMomentBefore = (command: string, act: (world: World, key: string) => Promise<void>) =>
  async function attack(world: World): Promise<void> {
    await world.built('app', { out: HONEST })
    const { fileHash } = await stagedOutput(out('app'), HONEST)
    let isDone = false
    world.before = async ({ command: sent, input }: Request) => {
      const isAboutIt = `${input.Key} ${input.CopySource}`.includes(fileHash)
      if (isDone || sent !== command || !isAboutIt) return
      isDone = true
      await act(world, stagedKeys.nar(prefixOf(BUILD), fileHash))
    }
  }

describe('what changes after it was verified', () => {
  const lines: Line[] = [
    [
      'a staged NAR overwritten between verification and copy',
      inTheMomentBefore('CopyObject', (world, key) => world.put(world.staging, key, EVIL)),
      INVALID,
      /has changed since it was verified/,
    ],
    [
      'a staged NAR deleted between verification and copy',
      inTheMomentBefore('CopyObject', (world, key) => world.remove(world.staging, key)),
      INVALID,
      /is gone since it was verified/,
    ],
    [
      'a staged NAR overwritten just before it is read',
      inTheMomentBefore('GetObject', (world, key) => world.put(world.staging, key, EVIL)),
      [INVALID, 'StagedBytesDiffer'],
    ],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

describe('what lies beside the planned path', () => {
  test.each<[string, (world: World) => Promise<void>]>([
    ['a path that nobody planned', (world) => world.stage(UNRELATED, { text: 'evil' })],
    ['glibc, which is published', (world) => world.stage(out('glibc'), { text: 'evil' })],
    [
      'the output of another derivation, with a result',
      async (world) => {
        await world.stage(out('tools'), { text: 'evil' })
        await world.said('tools', { status: 'built', seconds: 1, inputs: {} })
      },
    ],
    [
      'a narinfo under another key',
      async (world) => {
        const { narinfo } = await stagedOutput(UNRELATED, { text: 'evil' })
        await world.put(world.staging, `${prefixOf(BUILD)}x/../${hashPartOf(UNRELATED)}.narinfo`, narinfo)
      },
    ],
    [
      'a copy of the cache’s layout',
      async (world) => {
        await world.put(world.staging, `${prefixOf(BUILD)}nix-cache-info`, 'StoreDir: /evil\n')
        await world.put(world.staging, cacheKeys.narinfo(hashPartOf(UNRELATED)), 'evil')
      },
    ],
  ])('%s', async (_, attack) => {
    const world = await newVictim()
    const glibc = await world.get(world.cache, cacheKeys.narinfo(hashPartOf(out('glibc'))))
    await world.built('app', { out: HONEST })
    await attack(world)
    const before = await keysOf(world.cache)
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    expect(await expectSound(world)).toEqual([out('app'), out('glibc')].toSorted())
    const added = (await keysOf(world.cache)).filter((key) => !before.includes(key))
    expect(added).toHaveLength(2)
    expect(await world.get(world.cache, cacheKeys.narinfo(hashPartOf(out('glibc'))))).toEqual(glibc)
  })
})

describe("another build's prefix", () => {
  test('a batch whose results only another build staged', async () => {
    const world = await newVictim()
    await world.built('app', { out: HONEST }, { build: OTHER_BUILD })
    expect(await world.outcomes(['app'], BUILD)).toEqual({ app: 'lost: BuilderLost' })
    expect(await expectSound(world)).toEqual([out('glibc')])
  })
  test('a NAR that only another build staged', async () => {
    const world = await newVictim()
    await world.built('app', { out: { ...HONEST, withoutNar: true } })
    await world.built('app', { out: HONEST }, { build: OTHER_BUILD })
    expect(await world.outcomes(['app'], BUILD)).toEqual({ app: `refused: ${INVALID}` })
    expect(await expectSound(world)).toEqual([out('glibc')])
  })
  test('a NAR whose name points into another prefix', async () => {
    const world = await newVictim()
    const { fileHash } = await stagedOutput(out('app'), HONEST)
    await world.built('app', { out: HONEST }, { build: OTHER_BUILD })
    const url = `../${prefixOf(OTHER_BUILD).split('/')[1]}/nar/${fileHash}.nar.zst`
    await world.built('app', { out: { ...HONEST, withoutNar: true, info: { url } } })
    expect(await world.outcomes(['app'], BUILD)).toEqual({ app: `refused: ${INVALID}` })
    const read = world.requests.filter(({ input }) =>
      `${input.Key} ${input.CopySource}`.includes(prefixOf(OTHER_BUILD)),
    )
    expect(read).toEqual([])
  })
})

describe('what a builder writes about its files does not survive', () => {
  test('Content-Encoding, type, disposition, redirect, metadata and tags; its own signatures and fields', async () => {
    const world = await newVictim()
    const key = generateSecretKey('cache.example.org-1')
    const forged: Output = {
      ...HONEST,
      narinfo: (text) => {
        const info = parseNarInfo(text)
        return `${text}Sig: ${sign(fingerprint(info), key)}\nSystem: evil\n`
      },
    }
    await world.built('app', { out: forged })
    const { fileHash, file } = await stagedOutput(out('app'), forged)
    await world.put(world.staging, stagedKeys.nar(prefixOf(BUILD), fileHash), file, {
      ContentEncoding: 'gzip',
      ContentType: 'text/html',
      ContentDisposition: 'attachment; filename=evil',
      ContentLanguage: 'evil',
      CacheControl: 'max-age=31536000',
      Metadata: { evil: 'yes' },
      Tagging: 'evil=yes',
    })
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    // one signature, and it is ours
    expect(await expectSound(world)).toEqual([out('app'), out('glibc')].toSorted())
    const text = (await world.get(world.cache, cacheKeys.narinfo(hashPartOf(out('app')))))?.toString()
    expect(text).not.toContain('evil')
    const where = { Bucket: world.cache.name, Key: cacheKeys.nar(fileHash) }
    const head = await world.cache.s3.send(new HeadObjectCommand(where))
    expect(head).toMatchObject({ ContentType: 'application/x-nix-nar', Metadata: {} })
    expect([head.ContentEncoding, head.ContentDisposition, head.ContentLanguage, head.CacheControl]).toEqual(
      Array(4).fill(undefined),
    )
    const { TagSet } = await world.cache.s3.send(new GetObjectTaggingCommand(where))
    expect(TagSet).toEqual([])
  })

  test('a log that says it is a web page', async () => {
    const world = await newVictim()
    await world.built('app', { out: HONEST })
    const name = baseNameOf(drv('app'))
    const log = stagedKeys.log(prefixOf(BUILD), name)
    await world.put(world.staging, log, '<script>', { ContentType: 'text/html', Metadata: { evil: 'yes' } })
    await world.outcomes(['app'])
    const where = { Bucket: world.cache.name, Key: cacheKeys.log(name) }
    expect(await world.cache.s3.send(new HeadObjectCommand(where))).toMatchObject({
      ContentType: 'text/plain; charset=utf-8',
      ContentEncoding: 'br',
      Metadata: {},
    })
  })
})

describe('two builders of one derivation', () => {
  const sketches = { app: { outputs: ['out', 'doc'] } }
  const outputs = (who: string): Record<string, Output> => ({
    doc: { text: `${who} words` },
    out: { text: `${who} program, see ${out('app', 'doc')}`, references: [out('app', 'doc')] },
  })
  const of = async (world: World, ...whose: string[]): Promise<string[]> => {
    const hashes = new Map<string, string>()
    for (const who of whose)
      for (const { text } of Object.values(outputs(who))) hashes.set(await narHashOf(text), who)
    return (await visibleNarInfos(world)).map(({ narHash }) => hashes.get(narHash) ?? 'unknown')
  }

  test('racing: one wins whole', async () => {
    const world = newWorld(sketches)
    await world.built('app', outputs('honest'))
    await world.built('app', outputs('evil'), { build: OTHER_BUILD })
    const told = await Promise.all([world.outcomes(['app'], BUILD), world.outcomes(['app'], OTHER_BUILD)])
    expect(told.map(({ app = '' }) => app).toSorted()).toEqual([
      'not-reproducible: NotReproducible',
      'published',
    ])
    expect(new Set(await of(world, 'honest', 'evil')).size).toBe(1)
    expect(await expectSound(world)).toHaveLength(2)
  })
  test('one after the other: the second is discarded', async () => {
    const world = newWorld(sketches)
    await world.built('app', outputs('honest'))
    await world.built('app', outputs('evil'), { build: OTHER_BUILD })
    await world.outcomes(['app'], BUILD)
    const before = await keysOf(world.cache)
    expect(await world.outcomes(['app'], OTHER_BUILD)).toEqual({ app: 'not-reproducible: NotReproducible' })
    expect(await keysOf(world.cache)).toEqual(before)
    expect(await of(world, 'honest', 'evil')).toEqual(['honest', 'honest'])
  })
  test('outputs of two builds mixed: a second build with one output of the first', async () => {
    const world = newWorld(sketches)
    await world.built('app', outputs('honest'))
    const { out: evil } = outputs('evil')
    await world.built(
      'app',
      { ...outputs('honest'), ...(evil === undefined ? {} : { out: evil }) },
      { build: OTHER_BUILD },
    )
    await world.outcomes(['app'], BUILD)
    expect(await world.outcomes(['app'], OTHER_BUILD)).toEqual({ app: 'not-reproducible: NotReproducible' })
    expect(await of(world, 'honest', 'evil')).toEqual(['honest', 'honest'])
  })
  test('outputs of one build swapped', async () => {
    const world = newWorld(sketches)
    const [honest, doc] = [outputs('honest')['out'], outputs('honest')['doc']]
    if (honest === undefined || doc === undefined) throw new Error('two outputs')
    await world.built('app', {
      out: { ...doc, info: { storePath: out('app', 'doc') } },
      doc: { ...honest, info: { storePath: out('app') } },
    })
    expect(await world.outcomes(['app'])).toEqual({ app: `refused: ${INVALID}` })
    expect(await keysOf(world.cache)).toEqual([])
  })
  test('only one of two outputs staged', async () => {
    const world = newWorld(sketches)
    const { doc } = outputs('honest')
    if (doc === undefined) throw new Error('an output')
    await world.built('app', { doc })
    expect(await world.outcomes(['app'])).toEqual({ app: `refused: ${INVALID}` })
    expect(await keysOf(world.cache)).toEqual([])
  })
  test('outputs that refer to each other in a circle', async () => {
    const world = newWorld(sketches)
    await world.built('app', {
      out: { text: `see ${out('app', 'doc')}`, references: [out('app', 'doc')] },
      doc: { text: `see ${out('app')}`, references: [out('app')] },
    })
    expect(await world.outcomes(['app'])).toEqual({ app: `refused: ${INVALID}` })
    expect(await keysOf(world.cache)).toEqual([])
  })
})
