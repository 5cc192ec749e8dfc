import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidNar, type NarEntry, NarReader } from '../../../nix/nar-reader.ts'
import { directory, narBytes, narOf, type Tree, treeSource } from './nar-tree.ts'

type Words = (string | number | Uint8Array)[]

const FILE: Words = ['(', 'type', 'regular', 'contents', 2, Buffer.from('hi'), ')']
const LINK: Words = ['(', 'type', 'symlink', 'target', 'x', ')']
const entry = (name: string, node: Words = FILE): Words => ['entry', '(', 'name', name, 'node', ...node, ')']
const dir = (...entries: Words[]): Words => ['(', 'type', 'directory', ...entries.flat(), ')']
const nar = (words: Words): Buffer => narBytes('nix-archive-1', ...words)

function read(bytes: Uint8Array, pieces = bytes.length): void {
  const reader = new NarReader()
  for (let at = 0; at < bytes.length; at += pieces) reader.write(bytes.subarray(at, at + pieces))
  reader.end()
}

/** `levels` directories, one in the other, and a file in the last. */
function nested(levels: number): Words {
  let node = FILE
  for (let level = 0; level < levels; level++) node = dir(entry('d', node))
  return node
}

describe('NarReader accepts', () => {
  test.each([
    ['a file', FILE],
    ['an empty file', ['(', 'type', 'regular', 'contents', 0, ')']],
    ['an executable', ['(', 'type', 'regular', 'executable', '', 'contents', 1, Buffer.from('x'), ')']],
    ['a link', LINK],
    ['a link of 4,095 bytes', ['(', 'type', 'symlink', 'target', 'x'.repeat(4095), ')']],
    ['an empty directory', dir()],
    [
      'entries in the order of bytes',
      dir(entry('A'), entry('B'), entry('a'), entry('\xc3\xa4'), entry('\xff')),
    ],
    ['a name that is the beginning of the next', dir(entry('a'), entry('a-b'), entry('ab'))],
    ['a name of 255 bytes', dir(entry('x'.repeat(255)))],
    ['names with dots', dir(entry('...'), entry('..a'), entry('.a'))],
    ['directories 63 deep, and a file in them', nested(63)],
    [
      'directories in directories',
      dir(entry('a', dir()), entry('b', dir(entry('a'), entry('c', LINK))), entry('c')),
    ],
  ])('%s, in one piece and byte by byte', (_, words) => {
    expect(() => read(nar(words))).not.toThrow()
    expect(() => read(nar(words), 1)).not.toThrow()
  })
})

describe('NarReader refuses', () => {
  test.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'ends too early at byte 0'],
    ['another magic', narBytes('nix-archive-2', ...FILE), `'nix-archive-1' was expected`],
    ['an xz file', Buffer.from('fd377a585a000004e6d6b446', 'hex'), 'a word has'],
    ['a NAR without an object', nar([]), 'ends too early at byte 24'],
    ['bytes behind the end', Buffer.concat([nar(FILE), Buffer.alloc(1)]), 'bytes follow its end at byte 120'],
    ['a second object', nar([...FILE, ...FILE]), 'bytes follow its end'],
    ['a missing parenthesis', nar(FILE.slice(0, -1)), 'ends too early'],
    [
      'an unknown type',
      nar(['(', 'type', 'device', ')']),
      `'regular', 'symlink' or 'directory' was expected, found "device"`,
    ],
    ['a type in front of its key', nar(['(', 'regular', 'type', ')']), `'type' was expected`],
    [
      'a file without contents',
      nar(['(', 'type', 'regular', ')']),
      `'executable' or 'contents' was expected`,
    ],
    [
      'an executable flag with a value',
      nar(['(', 'type', 'regular', 'executable', 'x', 'contents', 0, ')']),
      `'' was expected`,
    ],
    [
      'an executable flag behind the contents',
      nar(['(', 'type', 'regular', 'contents', 0, 'executable', '', ')']),
      `')' was expected`,
    ],
    [
      'a second executable flag',
      nar(['(', 'type', 'regular', 'executable', '', 'executable', '', 'contents', 0, ')']),
      `'contents' was expected`,
    ],
    [
      'a file of 2^53 bytes',
      nar(['(', 'type', 'regular', 'contents', 2 ** 53]),
      'a file of 9007199254740992 bytes at byte 88',
    ],
    ['contents that are cut short', nar(FILE).subarray(0, -17), 'ends too early'],
    [
      'padding of contents that is not zero',
      nar(['(', 'type', 'regular', 'contents', 2, Buffer.from('hi\0\0\0\0\0!'), ')']),
      'the padding is not zero at byte 103',
    ],
    [
      'padding of a word that is not zero',
      Buffer.concat([Buffer.from('0d000000000000006e69782d617263686976652d31000001', 'hex')]),
      'the padding is not zero at byte 23',
    ],
    ['a link without a target', nar(['(', 'type', 'symlink', ')']), `'target' was expected`],
    ['a link to nothing', nar(['(', 'type', 'symlink', 'target', '', ')']), 'empty target'],
    ['a link with a NUL', nar(['(', 'type', 'symlink', 'target', 'a\0', ')']), 'a NUL'],
    [
      'a link of 4,096 bytes',
      nar(['(', 'type', 'symlink', 'target', 'x'.repeat(4096), ')']),
      '4096 bytes, and 4095',
    ],
    ['an entry without a node', nar(dir(['entry', '(', 'name', 'a', ')'])), `'node' was expected`],
    [
      'an entry with its node first',
      nar(dir(['entry', '(', 'node', ...FILE, 'name', 'a', ')'])),
      `'name' was expected`,
    ],
    ['an empty name', nar(dir(entry(''))), 'cannot be the name of a file'],
    ['the name .', nar(dir(entry('.'))), 'cannot be the name of a file'],
    ['the name ..', nar(dir(entry('..'))), 'cannot be the name of a file'],
    ['a name with a slash', nar(dir(entry('a/b'))), 'cannot be the name of a file'],
    ['a name with a NUL', nar(dir(entry('a\0'))), 'cannot be the name of a file'],
    ['a name of 256 bytes', nar(dir(entry('x'.repeat(256)))), '256 bytes, and 255'],
    ['a name that macOS would change', nar(dir(entry('a~nix~case~hack~1'))), 'which Nix reserves'],
    ['the same name twice', nar(dir(entry('a'), entry('a'))), `"a" does not sort after "a"`],
    ['names out of order', nar(dir(entry('b'), entry('a'))), `"a" does not sort after "b"`],
    [
      'names in the order of UTF-16',
      nar(dir(entry('\xf0\x90\x80\x80'), entry('\xef\xbf\xbd'))),
      'does not sort after',
    ],
    ['names in another alphabet’s order', nar(dir(entry('a'), entry('B'))), 'does not sort after'],
    [
      'names out of order behind a directory',
      nar(dir(entry('b', dir(entry('z'))), entry('a'))),
      'does not sort after',
    ],
    ['an object 64 directories deep', nar(nested(64)), 'nest deeper than 64'],
    ['a word that would fill the memory', nar(['(', 'type', 2 ** 40]), 'a word has 1099511627776 bytes'],
  ])('%s, in one piece and byte by byte', (_, bytes, reason) => {
    for (const pieces of [bytes.length || 1, 1]) {
      expect(() => read(bytes, pieces)).toThrow(InvalidNar)
      expect(() => read(bytes, pieces)).toThrow(reason)
    }
  })

  test('everything after the first error', () => {
    const reader = new NarReader()
    reader.write(nar(FILE))
    expect(() => reader.write(Buffer.alloc(1))).toThrow(InvalidNar)
    expect(() => reader.end()).toThrow(InvalidNar)
    expect(() => reader.write(Buffer.alloc(0))).toThrow(InvalidNar)
  })

  test('any NAR with one bit changed outside of names, targets and contents', () => {
    const bytes = nar(
      dir(entry('a', ['(', 'type', 'regular', 'executable', '', 'contents', 0, ')']), entry('b', dir())),
    )
    // The two names are the only bytes that may change: every other byte is fixed by the grammar.
    const names = ['a', 'b'].map((name) => bytes.indexOf(narBytes('name', name)) + 24)
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 7 }), (at, bit) => {
        fc.pre(!names.includes(at))
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        expect(() => read(changed)).toThrow(InvalidNar)
      }),
      { numRuns: 1000 },
    )
  })

  test('any NAR that is cut short', () => {
    const bytes = nar(dir(entry('a'), entry('b', LINK)))
    for (let length = 0; length < bytes.length; length++)
      expect(() => read(bytes.subarray(0, length))).toThrow(InvalidNar)
  })
})

test('a visitor sees every entry in order, and the contents of files', () => {
  const seen: (NarEntry | string)[] = []
  const reader = new NarReader({
    entry: (found) => seen.push(found),
    contents: (bytes) => seen.push(Buffer.from(bytes).toString()),
  })
  reader.write(nar(dir(entry('bin', dir(entry('sh', LINK))), entry('\xc3\xa4', FILE))))
  reader.end()
  expect(seen).toEqual([
    { type: 'directory', path: '' },
    { type: 'directory', path: 'bin' },
    { type: 'symlink', path: 'bin/sh', target: 'x' },
    { type: 'regular', path: 'ä', executable: false, size: 2 },
    'hi',
  ])
})

test('whatever NarWriter writes, in whatever pieces, is a NAR of the same files', async () => {
  const name = fc
    .string({
      unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
      minLength: 1,
      maxLength: 8,
    })
    .filter((text) => !text.includes('/') && text !== '.' && text !== '..')
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.uint8Array({ maxLength: 40 }),
      fc.record({ exe: fc.uint8Array({ maxLength: 40 }) }),
      name,
      fc.dictionary(name, tie('tree'), { maxKeys: 4 }).map(directory),
    ),
  }))
  await fc.assert(
    fc.asyncProperty(tree, fc.integer({ min: 1, max: 100 }), async (tree, pieces) => {
      const bytes = await narOf(treeSource(tree))
      const contents: Buffer[] = []
      const reader = new NarReader({ contents: (piece) => contents.push(Buffer.from(piece)) })
      for (let at = 0; at < bytes.length; at += pieces) reader.write(bytes.subarray(at, at + pieces))
      reader.end()
      expect(Buffer.concat(contents).equals(Buffer.concat(filesOf(tree)))).toBe(true)
    }),
  )
})

/** The contents of a tree's files in the order of a NAR. */
function filesOf(tree: Tree): Uint8Array[] {
  if (tree instanceof Uint8Array) return [tree]
  if (typeof tree === 'string') return []
  if (!(tree instanceof Map)) return [tree.exe]
  return [...tree.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, child]) => filesOf(child))
}
