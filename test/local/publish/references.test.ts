import { describe, expect, test } from 'vitest'
import type { DerivationOutcome } from '../../../functions/shared/contract.ts'
import { fingerprint, formatNarInfo } from '../../../nix/narinfo.ts'
import {
  formatPublicKey,
  generateSecretKey,
  publicKeyOf,
  type SecretKey,
  sign,
} from '../../../nix/signature.ts'
import { hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import { storePath } from '../../unit/functions/graphs.ts'
import { serve } from '../../unit/functions/http-server.ts'
import { narHashOf, stagedOutput } from './staged-output.ts'
import { expectSound } from './visible.ts'
import { type World, out } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()
const LIBC = { text: 'the C library' }
const source = storePath('script.py')
const sketches = { app: { needs: ['libc'], sources: [source] }, libc: {} }

function errorOf([told]: DerivationOutcome[]): string {
  return told?.error === undefined
    ? (told?.outcome ?? '')
    : `${told.error.name}, retryable: ${told.error.retryable}`
}

/** `app`, built on the published `libc`, with this text and these references. */
async function publishApp(
  text: string,
  references: StorePath[],
): Promise<{ world: World; told: DerivationOutcome[] }> {
  const world = newWorld(sketches)
  await world.published(out('libc'), LIBC)
  await world.built('app', { out: { text, references } })
  return { world, told: await world.publish(['app']) }
}

describe('references are exactly what is in the bytes', () => {
  const unrelated = storePath('unrelated')
  test.each<[string, string, StorePath[], string]>([
    ['none', 'static', [], 'published'],
    ['what it mentions', `see ${out('libc')}/lib`, [out('libc')], 'published'],
    ['by its hash alone', `see ${hashPartOf(out('libc'))}`, [out('libc')], 'published'],
    ['itself', `see ${out('app')}`, [out('app')], 'published'],
    ['given twice', `see ${out('libc')}`, [out('libc'), out('libc')], 'published'],
    ['a path that it was not built on is no reference', `see ${unrelated}`, [], 'published'],
    ['undeclared', `see ${out('libc')}`, [], 'ReferencesDiffer, retryable: false'],
    ['itself, undeclared', `see ${out('app')}`, [], 'ReferencesDiffer, retryable: false'],
    ['declared, but absent', 'static', [out('libc')], 'ReferencesDiffer, retryable: false'],
    [
      'declared, but not one of its inputs',
      `see ${unrelated}`,
      [unrelated],
      'ReferencesDiffer, retryable: false',
    ],
    [
      'split by a zero byte',
      `see ${hashPartOf(out('libc')).slice(0, 16)}\0${hashPartOf(out('libc')).slice(16)}`,
      [],
      'published',
    ],
  ])('%s', async (_, text, references, expected) => {
    const { world, told } = await publishApp(text, references)
    expect(errorOf(told)).toBe(expected)
    const visible = await expectSound(world)
    expect(visible.includes(out('app'))).toBe(expected === 'published')
  })

  test('both faults are named', async () => {
    const { told } = await publishApp(`see ${out('libc')}`, [unrelated])
    expect(told[0]?.error?.message).toBe(
      `${out('app')}: it contains undeclared references to ${out('libc')}; ` +
        `it declares references that it does not contain, or cannot: ${unrelated}`,
    )
  })

  test('the run-time closure of the inputs counts, not only the inputs themselves', async () => {
    const world = newWorld({ app: { needs: ['lib'] }, lib: { needs: ['libc'] }, libc: {} })
    const libc = await world.published(out('libc'), LIBC)
    const lib = await world.published(out('lib'), { text: `see ${out('libc')}`, references: [out('libc')] })
    const inputs = { [out('libc')]: libc.narHash, [out('lib')]: lib.narHash }
    await world.built('app', { out: { text: `see ${out('libc')}`, references: [out('libc')] } }, { inputs })
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
  })
})

describe('a client never sees a narinfo whose closure is not there', () => {
  const upstreamKey = generateSecretKey('upstream-1')
  const otherKey = generateSecretKey('upstream-1')

  /** An upstream that has `libc`, signed with this key. */
  async function upstreamHas(world: World, key: SecretKey): Promise<void> {
    const { info } = await stagedOutput(out('libc'), LIBC)
    const signed = { ...info, signatures: [sign(fingerprint(info), key)] }
    const url = await serve((request, response) => {
      const isThere = request.url === `/${hashPartOf(out('libc'))}.narinfo`
      response.writeHead(isThere ? 200 : 404).end(isThere ? formatNarInfo(signed) : undefined)
    })
    world.upstreams.push({ url, publicKeys: [formatPublicKey(publicKeyOf(upstreamKey))] })
  }

  const arrangements: Record<string, (world: World) => Promise<void>> = {
    'published before': async (world) => {
      await world.published(out('libc'), LIBC)
    },
    'in a declared upstream, signed with its key': (world) => upstreamHas(world, upstreamKey),
    'in an upstream, signed with another key': (world) => upstreamHas(world, otherKey),
    nowhere: async () => undefined,
  }
  test.each([
    ['published before', 'published', []],
    ['in a declared upstream, signed with its key', 'published', [out('libc')]],
    ['in an upstream, signed with another key', 'InputNotPublished, retryable: true', []],
    ['nowhere', 'InputNotPublished, retryable: true', []],
  ])('reference %s', async (where, expected, elsewhere) => {
    const world = newWorld(sketches)
    await arrangements[where]?.(world)
    const inputs = { [out('libc')]: await narHashOf(LIBC.text) }
    await world.built('app', { out: { text: `see ${out('libc')}`, references: [out('libc')] } }, { inputs })
    expect(errorOf(await world.publish(['app']))).toBe(expected)
    const visible = await expectSound(world, elsewhere)
    expect(visible.includes(out('app'))).toBe(expected === 'published')
  })

  test('a source that no cache has', async () => {
    const { world, told } = await publishApp(`exec python ${source}`, [source])
    expect(errorOf(told)).toBe('ReferenceNotPublished, retryable: true')
    expect(await expectSound(world)).toEqual([out('libc')])
  })

  test('a reference of the same batch that was refused', async () => {
    const world = newWorld(sketches)
    await world.built('libc', { out: { ...LIBC, info: { narSize: 1 } } })
    const inputs = { [out('libc')]: await narHashOf(LIBC.text) }
    await world.built('app', { out: { text: `see ${out('libc')}`, references: [out('libc')] } }, { inputs })
    expect(await world.outcomes(['libc', 'app'])).toEqual({
      libc: 'refused: StagedResultInvalid',
      app: 'refused: InputNotPublished',
    })
    expect(await expectSound(world)).toEqual([])
  })

  test('outputs that refer to each other in a circle', async () => {
    const world = newWorld({ a: { outputs: ['out', 'lib'] } })
    await world.built('a', {
      out: { text: `see ${out('a', 'lib')}`, references: [out('a', 'lib')] },
      lib: { text: `see ${out('a')}`, references: [out('a')] },
    })
    expect(errorOf(await world.publish(['a']))).toBe('StagedResultInvalid, retryable: false')
    expect(await expectSound(world)).toEqual([])
  })

  test('an upstream that cannot be asked is no answer: the whole state is run again', async () => {
    const world = newWorld(sketches)
    world.upstreams.push({ url: 'http://127.0.0.1:1', publicKeys: [] })
    await world.built('app', { out: { text: 'static' } }, { inputs: {} })
    await expect(world.publish(['app'])).rejects.toMatchObject({ name: 'UpstreamUnavailable' })
  })
})

describe('a result counts only when it was built on the very bytes that are published', () => {
  test.each<[string, Record<string, string>, string]>([
    ['the same bytes', { [out('libc')]: 'published' }, 'published'],
    [
      'the same, and a source',
      { [out('libc')]: 'published', [source]: `sha256:${'1'.repeat(52)}` },
      'published',
    ],
    ['other bytes', { [out('libc')]: `sha256:${'1'.repeat(52)}` }, 'InputDiffers, retryable: true'],
    ['nothing is said of them', {}, 'InputDiffers, retryable: true'],
  ])('%s', async (_, used, expected) => {
    const world = newWorld(sketches)
    const { narHash } = await world.published(out('libc'), LIBC)
    const inputs = Object.fromEntries(
      Object.entries(used).map(([path, hash]) => [path, hash === 'published' ? narHash : hash]),
    )
    await world.built('app', { out: { text: 'static' } }, { inputs })
    expect(errorOf(await world.publish(['app']))).toBe(expected)
    expect((await expectSound(world)).includes(out('app'))).toBe(expected === 'published')
  })

  test('other bytes somewhere in the closure of its inputs', async () => {
    const world = newWorld({ app: { needs: ['lib'] }, lib: { needs: ['libc'] }, libc: {} })
    await world.published(out('libc'), LIBC)
    const lib = await world.published(out('lib'), { text: `see ${out('libc')}`, references: [out('libc')] })
    const inputs = { [out('lib')]: lib.narHash, [out('libc')]: `sha256:${'1'.repeat(52)}` }
    await world.built('app', { out: { text: 'static' } }, { inputs })
    expect(await world.outcomes(['app'])).toEqual({ app: 'refused: InputDiffers' })
  })
})
