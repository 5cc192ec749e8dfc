import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UnwritableNar, writeNar } from '../../../nix/nar-writer.ts'
import { directory, narBytes, narOf, type Tree, treeSource } from './nar-tree.ts'

type Words = (string | number | Uint8Array)[]

const bytes = (text: string): Buffer => Buffer.from(text)
const words = (text: string): string[] => text.split(' ')
const entry = (name: string, node: Words): Words => ['entry', '(', 'name', name, 'node', ...node, ')']
const file = (contents: Uint8Array): Words => [
  ...words('( type regular contents'),
  contents.length,
  contents,
  ')',
]

describe('writeNar writes', () => {
  test.each<[string, Tree, Words]>([
    ['a file', bytes('hello'), ['(', 'type', 'regular', 'contents', 5, bytes('hello'), ')']],
    ['an empty file', bytes(''), ['(', 'type', 'regular', 'contents', 0, ')']],
    [
      'an executable',
      { exe: bytes('#!12345\n') },
      ['(', 'type', 'regular', 'executable', '', 'contents', 8, bytes('#!12345\n'), ')'],
    ],
    ['a link', '/etc/passwd', words('( type symlink target /etc/passwd )')],
    ['an empty directory', directory({}), words('( type directory )')],
    [
      'a directory in the order of its bytes',
      directory({ b: 'x', a: directory({ '\xff': 'y', Z: 'z' }) }),
      words(
        '( type directory entry ( name a node ( type directory ' +
          'entry ( name Z node ( type symlink target z ) ) entry ( name \xff node ( type symlink target y ) ) ) ) ' +
          'entry ( name b node ( type symlink target x ) ) )',
      ),
    ],
  ])('%s', async (_, tree, expected) => {
    expect(await narOf(treeSource(tree))).toEqual(narBytes('nix-archive-1', ...expected))
  })

  test('names without the suffix that macOS needed', async () => {
    const hacked = directory({ 'a~nix~case~hack~1': bytes('2'), A: bytes('1'), b: bytes('3') })
    const original = directory({ A: bytes('1'), a: bytes('2'), b: bytes('3') })
    expect(await narOf(treeSource(hacked, true))).toEqual(await narOf(treeSource(original)))
    expect((await narOf(treeSource(hacked, false))).includes('a~nix~case~hack~1')).toBe(true)
  })

  test('files of any size, whatever stands before them', async () => {
    // 262,144 bytes are one chunk.
    const size = fc.oneof(
      fc.integer({ max: 20, min: 0 }),
      fc.integer({ min: 261_000, max: 263_000 }),
      fc.nat(600_000),
    )
    await fc.assert(
      fc.asyncProperty(size, size, async (first, second) => {
        const [a, b] = [Buffer.alloc(first, 1), Buffer.alloc(second, 2)]
        const nar = await narOf(treeSource(directory({ a, b })))
        const entries = [...entry('a', file(a)), ...entry('b', file(b))]
        expect(nar.equals(narBytes('nix-archive-1', '(', 'type', 'directory', ...entries, ')'))).toBe(true)
      }),
    )
  })

  test('chunks that the consumer may keep, few and none much larger than 256 KiB', async () => {
    const files = Array.from(
      { length: 9000 },
      (_, i) => [`f${i}`, Buffer.alloc(i === 7 ? 1e6 : i % 97, i)] as const,
    )
    const chunks: Uint8Array[] = []
    const copies: Buffer[] = []
    for await (const chunk of writeNar('', treeSource(directory(Object.fromEntries(files))))) {
      chunks.push(chunk)
      copies.push(Buffer.from(chunk))
    }
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(264 * 1024)
    expect(chunks.length).toBeLessThan(30)
    expect(Buffer.concat(chunks).equals(Buffer.concat(copies))).toBe(true)
  })
})

describe('writeNar refuses', () => {
  test('a file that became shorter, and closes it', async () => {
    let closed = false
    const source = {
      ...treeSource(bytes('')),
      lstat: () => ({ type: 'regular' as const, executable: false, size: 3 }),
      open: () => ({ read: () => 0, close: () => void (closed = true) }),
    }
    await expect(narOf(source)).rejects.toThrow('3 bytes shorter')
    expect(closed).toBe(true)
  })

  test('a target that no Nix would read', async () => {
    await expect(narOf(treeSource('x'.repeat(4096)))).rejects.toThrow('4096 bytes')
  })

  test('two names that are the same without their suffix', async () => {
    const tree = directory({ 'a~nix~case~hack~1': 'x', 'a~nix~case~hack~2': 'y' })
    await expect(narOf(treeSource(tree, true))).rejects.toThrow(UnwritableNar)
  })
})
