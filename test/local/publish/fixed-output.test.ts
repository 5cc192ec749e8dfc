import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { DerivationOutcome } from '../../../functions/shared/contract.ts'
import { HASH_ALGORITHMS, type HashAlgorithm } from '../../../nix/hash.ts'
import { derivationOf } from '../../../functions/shared/graph.ts'
import { directory, narOf, treeSource, type Tree } from '../../unit/nix/nar-tree.ts'
import { expectSound, keysOf } from './visible.ts'
import { drv, out } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()
const FILE = Buffer.from('hello-2.12.tar.gz, as it was on the day when its hash was written down')
const OTHER = Buffer.from('hello-2.12.tar.gz, as somebody would like it to be')
const TREE = directory({ 'main.c': FILE, configure: { exe: OTHER } })

const hex = (algorithm: HashAlgorithm, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')
const flat = (algorithm: HashAlgorithm, file: Uint8Array) => ({
  algorithm,
  method: 'flat' as const,
  hash: hex(algorithm, file),
})
const recursive = async (algorithm: HashAlgorithm, tree: Tree) => ({
  algorithm,
  method: 'recursive' as const,
  hash: hex(algorithm, await narOf(treeSource(tree))),
})

async function fetched(
  declared: ReturnType<typeof flat> | Awaited<ReturnType<typeof recursive>>,
  tree: Tree,
) {
  const world = newWorld({ hello: {} })
  derivationOf(world.graph, drv('hello'), '').fixedOutput = declared
  await world.built('hello', { out: { text: '', tree } })
  const [told] = await world.publish(['hello'])
  return { world, told: wordOf(told) }
}

function wordOf(told: DerivationOutcome | undefined): string {
  return told?.error === undefined ? (told?.outcome ?? '') : `${told.error.name}: ${told.error.message}`
}

describe('a fixed output has the declared content', () => {
  test.each(HASH_ALGORITHMS)('%s of the file', async (algorithm) => {
    const { world, told } = await fetched(flat(algorithm, FILE), FILE)
    expect(told).toBe('published')
    expect(await expectSound(world)).toEqual([out('hello')])
  })
  test.each(HASH_ALGORITHMS)('%s of the NAR of a tree', async (algorithm) => {
    expect((await fetched(await recursive(algorithm, TREE), TREE)).told).toBe('published')
  })
  test.each(HASH_ALGORITHMS)('%s of the NAR of an executable file', async (algorithm) => {
    const tree = { exe: FILE }
    expect((await fetched(await recursive(algorithm, tree), tree)).told).toBe('published')
  })
  test('of an empty file', async () => {
    expect((await fetched(flat('sha256', Buffer.alloc(0)), Buffer.alloc(0))).told).toBe('published')
  })
  test('of a file that comes in many pieces', async () => {
    const large = Buffer.alloc(5_000_000, 'some bytes, and ')
    expect((await fetched(flat('sha1', large), large)).told).toBe('published')
  })
})

describe('anything else is refused by name, and nothing of it is in the cache', () => {
  const itMustBeAFile = /^FixedContentDiffers: .* must be one file that is not executable/
  const differs =
    /^FixedContentDiffers: .* of its (contents|NAR) is [0-9a-f]+, and its derivation declares [0-9a-f]+$/
  test.each<[string, () => Parameters<typeof fetched> | Promise<Parameters<typeof fetched>>, RegExp]>([
    ['another file', () => [flat('sha256', FILE), OTHER], differs],
    ['another file, by a weaker hash', () => [flat('md5', FILE), OTHER], differs],
    ['another tree', async () => [await recursive('sha256', TREE), directory({ 'main.c': FILE })], differs],
    ['another tree, by another hash', async () => [await recursive('sha512', TREE), FILE], differs],
    ['the executable of the same file', () => [flat('sha256', FILE), { exe: FILE }], itMustBeAFile],
    ['a directory that holds the file', () => [flat('sha256', FILE), directory({ a: FILE })], itMustBeAFile],
    ['a directory', () => [flat('sha256', Buffer.alloc(0)), directory({})], itMustBeAFile],
    ['a link', () => [flat('sha256', FILE), 'to/the/file'], itMustBeAFile],
    [
      'the file, where its NAR is declared',
      () => [{ ...flat('sha256', FILE), method: 'recursive' as const }, FILE],
      differs,
    ],
    [
      'the NAR, where the file is declared',
      async () => [{ ...(await recursive('sha256', FILE)), method: 'flat' as const }, FILE],
      differs,
    ],
    [
      'the same digits of another algorithm',
      () => [{ ...flat('sha256', FILE), algorithm: 'sha1' as const }, FILE],
      differs,
    ],
  ])('%s', async (_, arrange, error) => {
    const { world, told } = await fetched(...(await arrange()))
    expect(told).toMatch(error)
    expect(await keysOf(world.cache)).toEqual([])
  })

  test('a reference, as in Nix', async () => {
    const world = newWorld({ hello: { needs: ['libc'] }, libc: {} })
    await world.published(out('libc'), { text: 'the C library' })
    const text = `see ${out('libc')}`
    derivationOf(world.graph, drv('hello'), '').fixedOutput = flat('sha256', Buffer.from(text))
    await world.built('hello', { out: { text, references: [out('libc')] } })
    expect(wordOf((await world.publish(['hello']))[0])).toMatch(/^FixedOutputRefers: .*must not refer/)
    expect(await expectSound(world)).toEqual([out('libc')])
  })
})
