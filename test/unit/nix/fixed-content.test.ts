import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { FixedContent } from '../../../nix/fixed-content.ts'
import { HASH_ALGORITHMS } from '../../../nix/hash.ts'
import { verifyNar } from '../../../nix/nar-verification.ts'
import { directory, narOf, type Tree, treeSource } from './nar-tree.ts'

const FILE = Buffer.alloc(1000, 'contents ')

/** Reads the NAR of a tree in pieces of so many bytes, as it streams by. */
async function hashOf(content: FixedContent, tree: Tree, piece: number): Promise<string | undefined> {
  const nar = await narOf(treeSource(tree))
  async function* pieces() {
    for (let at = 0; at < nar.length; at += piece) yield nar.subarray(at, at + piece)
  }
  await verifyNar(content.read(pieces()), { maxSize: 1e6, candidates: [], visitor: content.visitor })
  return content.hash()
}

describe.each(HASH_ALGORITHMS)('%s', (algorithm) => {
  const hex = (bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')
  test.each([1, 7, 100, 10_000])('in pieces of %i bytes', async (piece) => {
    const flat = new FixedContent({ algorithm, method: 'flat' })
    expect(await hashOf(flat, FILE, piece)).toBe(hex(FILE))
    const recursive = new FixedContent({ algorithm, method: 'recursive' })
    expect(await hashOf(recursive, FILE, piece)).toBe(hex(await narOf(treeSource(FILE))))
  })
  test.each<[string, Tree]>([
    ['an executable file', { exe: FILE }],
    ['a directory', directory({ a: FILE })],
    ['a link', 'target'],
  ])('%s has a hash as a NAR only', async (_, tree) => {
    expect(await hashOf(new FixedContent({ algorithm, method: 'flat' }), tree, 100)).toBeUndefined()
    expect(await hashOf(new FixedContent({ algorithm, method: 'recursive' }), tree, 100)).toBe(
      hex(await narOf(treeSource(tree))),
    )
  })
})
