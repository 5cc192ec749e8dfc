import { describe, expect, test } from 'vitest'
import { narBytes } from '../unit/nix/nar-tree.ts'
import { expectSound } from '../local/publish/visible.ts'
import { attacksOfABuilder, type Line, out, type Staged, victimsOfThisFile } from './victim.ts'

/*
 * The attacker is a builder: it was asked to build `app`, and stages any bytes it likes as the NAR of it, well compressed and with a narinfo that
 * fits. A client would unpack them as root.
 */
const repelled = attacksOfABuilder()

const INVALID = 'StagedResultInvalid'
type Word = string | number | Uint8Array
const regular = (text = 'x'): Word[] => [
  '(',
  'type',
  'regular',
  'contents',
  text.length,
  Buffer.from(text),
  ')',
]
const symlink = (target: string): Word[] => ['(', 'type', 'symlink', 'target', target, ')']
const entry = (name: string, node: Word[] = regular()): Word[] => [
  'entry',
  '(',
  'name',
  name,
  'node',
  ...node,
  ')',
]
const directory = (...entries: Word[][]): Word[] => ['(', 'type', 'directory', ...entries.flat(), ')']
const nar = (...words: Word[]): Staged => ({ nar: () => narBytes('nix-archive-1', ...words), references: [] })
const deep = (levels: number): Word[] => (levels === 0 ? regular() : directory(entry('d', deep(levels - 1))))
const altered = (at: number): Staged => ({
  nar: (bytes) => {
    const copy = Buffer.from(bytes)
    copy.writeUInt8(1, at)
    return copy
  },
})

describe('names', () => {
  const lines: Line[] = [
    [
      'entries that are not sorted',
      nar(...directory(entry('b'), entry('a'))),
      INVALID,
      /does not sort after/,
    ],
    ['an entry twice', nar(...directory(entry('a'), entry('a'))), INVALID, /does not sort after/],
    ['an entry called ..', nar(...directory(entry('..'))), INVALID, /cannot be the name/],
    ['an entry called .', nar(...directory(entry('.'))), INVALID, /cannot be the name/],
    ['an entry without a name', nar(...directory(entry(''))), INVALID, /cannot be the name/],
    ['an entry with a slash: ../../etc/passwd', nar(...directory(entry('../../etc/passwd'))), INVALID],
    ['an entry that begins with a slash', nar(...directory(entry('/etc'))), INVALID],
    ['an entry with a NUL', nar(...directory(entry('a\0b'))), INVALID],
    ['a name of 256 bytes', nar(...directory(entry('a'.repeat(256)))), INVALID],
    ['a name that macOS clients would rewrite', nar(...directory(entry('a~nix~case~hack~1'))), INVALID],
    [
      'a link, and a directory of the same name: what is in it would be written behind the link',
      nar(...directory(entry('etc', symlink('/etc')), entry('etc', directory(entry('passwd'))))),
      INVALID,
      /does not sort after/,
    ],
    [
      'a file behind a link: an entry below one that is no directory',
      nar('(', 'type', 'symlink', 'target', '/etc', ...entry('passwd'), ')'),
      INVALID,
    ],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

describe('form', () => {
  const lines: Line[] = [
    ['no NAR at all', { nar: () => Buffer.from('#!/bin/sh\n'.repeat(20)) }, INVALID],
    ['another version of the format', { nar: () => narBytes('nix-archive-2', ...regular()) }, INVALID],
    ['a device', nar('(', 'type', 'device', ')'), INVALID],
    ['a file that is setuid', nar('(', 'type', 'regular', 'setuid', '', 'contents', 0, ')'), INVALID],
    [
      'an executable flag with a value',
      nar('(', 'type', 'regular', 'executable', 'yes', 'contents', 0, ')'),
      INVALID,
    ],
    ['a file of 2^63 bytes', nar('(', 'type', 'regular', 'contents', 2 ** 63, ')'), INVALID, /a file of/],
    ['a file of 2^53 bytes', nar('(', 'type', 'regular', 'contents', 2 ** 53, ')'), INVALID, /a file of/],
    ['a word of 2^63 bytes', { nar: () => narBytes(2 ** 63, 'x') }, INVALID, /a word has/],
    ['a file that is longer than the NAR', nar('(', 'type', 'regular', 'contents', 4096, ')'), INVALID],
    ['a link to nowhere: an empty target', nar(...symlink('')), INVALID],
    ['a link with a NUL in its target', nar(...symlink('/nix\0/etc')), INVALID],
    ['a link of 4,096 bytes', nar(...symlink('a'.repeat(4096))), INVALID],
    ['a file below 64 directories', nar(...deep(64)), INVALID, /nest deeper/],
    ['directories 100,000 deep', { nar: () => tower(100_000), references: [] }, INVALID, /nest deeper/],
    ['padding that hides a byte', altered(8 + 13), INVALID, /padding is not zero/],
    ['two NARs', { nar: (bytes) => Buffer.concat([bytes, bytes]) }, INVALID, /bytes follow its end/],
    ['eight zeros behind its end', { nar: (bytes) => Buffer.concat([bytes, Buffer.alloc(8)]) }, INVALID],
    ['cut short by a word', { nar: (bytes) => bytes.subarray(0, -16) }, INVALID, /ends too early/],
    ['no object', nar(), INVALID, /ends too early/],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

/** A NAR that would cost whoever recurses its stack. */
function tower(levels: number): Buffer {
  const level = narBytes('(', 'type', 'directory', 'entry', '(', 'name', 'd', 'node')
  return Buffer.concat([narBytes('nix-archive-1'), ...Array<Buffer>(levels).fill(level)])
}

/*
 * What looks like an attack and is none: Nix itself allows it, and what Nix makes of it is the reader's own affair.
 */
describe('allowed, as Nix allows it', () => {
  const newVictim = victimsOfThisFile()
  test.each<[string, Staged]>([
    // Two names on Linux. On a case-insensitive macOS Nix renames the second by its case hack, on writing and on hashing alike.
    ['names that differ in case only', nar(...directory(entry('README'), entry('readme')))],
    // Nothing follows it: clients unpack a link as a link, and what its reader may open it may open anyway.
    ['a link out of the store', nar(...symlink('/etc/shadow'))],
    ['a directory with a link that climbs', nar(...directory(entry('up', symlink('../../..'))))],
    ['an empty directory', nar(...directory())],
    ['names that are no UTF-8', nar(...directory(entry('\xff\xfe')))],
    ['a file below 63 directories', nar(...deep(63))],
  ])('%s', async (_, staged) => {
    const world = await newVictim()
    await world.built('app', { out: { text: '', ...staged } })
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    expect(await expectSound(world)).toContain(out('app'))
  })
})
