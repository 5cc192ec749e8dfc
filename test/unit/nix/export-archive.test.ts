import * as fc from 'fast-check'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  TooManyDerivations,
  UnprovenPath,
  type VerifiedArchive,
  verifyArchive,
} from '../../../nix/archive-verification.ts'
import { makeTextPath } from '../../../nix/content-address.ts'
import { ForgedDerivation, isUnsupported, parseDerivationFile } from '../../../nix/derivation-file.ts'
import { referencesOf } from '../../../nix/derivation.ts'
import { ArchiveTooLarge, InvalidArchive, readExportArchive } from '../../../nix/export-archive.ts'
import type { StorePath } from '../../../nix/store-path.ts'
import { archiveBytes, fileNar, type PathToArchive } from './archive-bytes.ts'
import { derivationOfNix } from './derivations-of-nix.ts'
import { narBytes } from './nar-tree.ts'

const MAX = 1_000_000
const a = '/nix/store/11111111111111111111111111111111-a'
const b = '/nix/store/11111111111111111111111111111111-b'
const drv = '/nix/store/11111111111111111111111111111111-x.drv'

interface Read {
  path: string
  references: string[]
  deriver: string | undefined
  file: string | undefined
  narSize: number
}

async function read(
  bytes: Uint8Array,
  pieces = bytes.length || 1,
  limits = { maxSize: MAX },
): Promise<Read[]> {
  const read: Read[] = []
  for await (const { contents, ...rest } of readExportArchive(inPieces(bytes, pieces), limits))
    read.push({ ...rest, file: contents.file()?.toString(), narSize: contents.size })
  return read
}

function* inPieces(bytes: Uint8Array, size: number): Generator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('read is', () => {
  const entries = [
    { nar: fileNar('one'), path: a },
    { nar: fileNar('script', true), path: b, references: [a, b], deriver: drv, signature: 'x'.repeat(100) },
  ]
  const expected = [
    { path: a, references: [], deriver: undefined, file: 'one', narSize: 120 },
    { path: b, references: [a, b], deriver: drv, file: undefined, narSize: 152 },
  ]

  test.each([1, 2, 7, 8, 9, 64, 1000, 10_000])('every path, in pieces of %d bytes', async (pieces) => {
    expect(await read(archiveBytes(...entries), pieces)).toEqual(expected)
  })

  test('an archive of nothing', async () => {
    expect(await read(archiveBytes())).toEqual([])
  })

  test('no more of a NAR than is kept', async () => {
    const bytes = archiveBytes({ nar: fileNar('x'.repeat(10_000)), path: a })
    for await (const { contents } of readExportArchive([bytes], { maxSize: MAX, maxKept: 5000 })) {
      expect(contents.file()).toBeUndefined()
      expect(contents.hashFile('md5')?.digest).toEqual(createHash('md5').update('x'.repeat(10_000)).digest())
    }
  })

  test('no more of the source than is asked for', async () => {
    let closed = false
    function* source(): Generator<Uint8Array, void> {
      try {
        yield archiveBytes(...entries)
      } finally {
        closed = true
      }
    }
    for await (const { path } of readExportArchive(source(), { maxSize: MAX })) {
      expect(path).toBe(a)
      break
    }
    expect(closed).toBe(true)
  })
})

describe('refused is', () => {
  const nar = fileNar('x')
  const magic = 0x4558494e
  const end = narBytes(0)

  test.each<[string, Buffer, string]>([
    ['nothing at all', Buffer.alloc(0), 'it ends too early at byte 0'],
    ['another format', Buffer.from('nix-archive-1...'), '1 and a path, or 0 at the end, was expected'],
    ['a third kind of mark', narBytes(2), 'found 2 at byte 0'],
    ['bytes behind the end', Buffer.concat([archiveBytes(), end]), 'bytes follow its end at byte 8'],
    [
      'a second archive behind the end',
      Buffer.concat([archiveBytes(), archiveBytes()]),
      'bytes follow its end',
    ],
    ['no NAR', narBytes(1, 0), 'not a NAR'],
    [
      'a NAR with bytes behind it',
      narBytes(1, nar, 0, magic, a, 0, '', 0, 0),
      'was expected behind the NAR, found 0 at byte 128',
    ],
    ['another magic number', narBytes(1, nar, magic + 1, a, 0, '', 0, 0), 'found 1163413839 at byte 128'],
    ['no path', narBytes(1, nar, magic, '', 0, '', 0, 0), 'is not a store path'],
    ['a relative path', narBytes(1, nar, magic, a.slice(1), 0, '', 0, 0), 'is not a store path'],
    ['a path in a path', narBytes(1, nar, magic, `${a}/x`, 0, '', 0, 0), 'is not a store path'],
    [
      'a path that climbs out',
      narBytes(1, nar, magic, `/nix/store/../../etc/passwd`, 0, '', 0, 0),
      'is not a store path',
    ],
    ['a path with a NUL', narBytes(1, nar, magic, `${a}\0`, 0, '', 0, 0), 'is not a store path'],
    [
      'a path that would fill the memory',
      narBytes(1, nar, magic, 2 ** 40),
      'a text has 1099511627776 bytes, and 255 are allowed at byte 136',
    ],
    [
      'padding that is not zero',
      narBytes(1, nar, magic, 45, Buffer.from(`${a}!!!`), 0, '', 0, 0),
      'the padding is not zero at byte 189',
    ],
    [
      'references that are too many',
      narBytes(1, nar, magic, a, 2 ** 52),
      '4503599627370496 references, and 100000 are allowed',
    ],
    ['a reference that is none', narBytes(1, nar, magic, a, 1, 'x', '', 0, 0), 'is not a store path'],
    [
      'references out of order',
      archiveBytes({ nar, path: a, references: [b, a] }),
      `${a} does not sort after ${b}`,
    ],
    ['a reference twice', archiveBytes({ nar, path: a, references: [b, b] }), 'does not sort after'],
    [
      'a deriver that is none',
      archiveBytes({ nar, path: a, deriver: 'unknown-deriver' }),
      'is not a store path',
    ],
    [
      'a third value of the signature flag',
      narBytes(1, nar, magic, a, 0, '', 2, 0),
      'as the flag for a signature, found 2',
    ],
    [
      'a signature that is too long',
      archiveBytes({ nar, path: a, signature: 'x'.repeat(4097) }),
      '4096 are allowed',
    ],
    ['no end', narBytes(1, nar, magic, a, 0, '', 0), 'it ends too early at byte 216'],
  ])('%s, in one piece and byte by byte', async (_, bytes, reason) => {
    for (const pieces of [bytes.length || 1, 1]) {
      await expect(read(bytes, pieces)).rejects.toThrow(InvalidArchive)
      await expect(read(bytes, pieces)).rejects.toThrow(reason)
    }
  })

  test('a NAR that is none, with the offset in the archive', async () => {
    const bytes = archiveBytes({ nar, path: a }, { nar: fileNar('y'), path: b })
    const at = bytes.lastIndexOf('nix-archive-1')
    bytes[at] = 0x4e
    await expect(read(bytes)).rejects.toMatchObject({ name: 'InvalidArchive', offset: at - 8 })
  })

  test('an archive that is larger than it may be', async () => {
    const bytes = archiveBytes({ nar, path: a })
    await expect(read(bytes, 10, { maxSize: bytes.length })).resolves.toHaveLength(1)
    await expect(read(bytes, 10, { maxSize: bytes.length - 1 })).rejects.toThrow(ArchiveTooLarge)
  })

  test('any archive that is cut short', async () => {
    const bytes = archiveBytes({ nar, path: a }, { nar, path: b, references: [a], deriver: drv })
    for (let length = 0; length < bytes.length; length++)
      await expect(read(bytes.subarray(0, length), 50)).rejects.toThrow(InvalidArchive)
  })
})

describe('accepted from an archive', () => {
  const limits = { maxSize: MAX, maxDerivations: MAX }
  const verify = (...entries: PathToArchive[]): Promise<VerifiedArchive> =>
    verifyArchive([archiveBytes(...entries)], limits)

  /** A derivation of Nix as an entry. */
  function derivation(name: string): PathToArchive & { path: StorePath } {
    const [path, text] = derivationOfNix(name)
    const drv = parseDerivationFile(Buffer.from(text, 'latin1'))
    return { path, nar: fileNar(text), references: isUnsupported(drv) ? [] : referencesOf(drv) }
  }
  const text = (contents: string, references: StorePath[] = []): PathToArchive & { path: StorePath } => {
    const sha256 = createHash('sha256').update(contents).digest('hex')
    return { nar: fileNar(contents), path: makeTextPath('text', sha256, references), references }
  }

  test('are derivations and sources', async () => {
    const { derivations, sources } = await verify(derivation('base'), text('x'), derivation('drv-path'))
    expect([...derivations.keys()]).toEqual([derivation('base').path, derivation('drv-path').path])
    expect(sources.get(text('x').path)).toMatchObject({ narSize: 120, references: [] })
  })

  test('is a source that refers to what comes before it', async () => {
    const { sources } = await verify(text('x'), text('y', [text('x').path]))
    expect([...sources.values()].map(({ references }) => references)).toEqual([[], [text('x').path]])
  })

  test.each<[string, PathToArchive[], new (...args: never[]) => Error, string]>([
    ['an input-addressed path', [{ nar: fileNar('evil'), path: a }], UnprovenPath, a],
    ['a source with other contents', [{ ...text('x'), nar: fileNar('y') }], UnprovenPath, text('x').path],
    ['an executable text', [{ ...text('x'), nar: fileNar('x', true) }], UnprovenPath, text('x').path],
    ['a source twice', [text('x'), text('x')], UnprovenPath, 'it is there twice'],
    ['a derivation twice', [derivation('base'), derivation('base')], UnprovenPath, 'it is there twice'],
    ['a reference that is missing', [text('y', [text('x').path])], UnprovenPath, text('x').path],
    [
      'a reference that comes later',
      [derivation('drv-path'), derivation('base')],
      UnprovenPath,
      derivation('base').path,
    ],
    [
      'a derivation with other contents',
      [{ ...derivation('base'), nar: fileNar(derivationOfNix('sri')[1]) }],
      ForgedDerivation,
      derivation('base').path,
    ],
    [
      'a derivation that says nothing of its references',
      [derivation('base'), { ...derivation('drv-path'), references: [] }],
      ForgedDerivation,
      derivation('drv-path').path,
    ],
    [
      'an executable derivation',
      [{ ...derivation('base'), nar: fileNar(derivationOfNix('base')[1], true) }],
      ForgedDerivation,
      derivation('base').path,
    ],
    [
      'a directory that is called a derivation',
      [{ nar: narBytes('nix-archive-1', '(', 'type', 'directory', ')'), path: drv }],
      ForgedDerivation,
      drv,
    ],
    ['a text that is called a derivation', [{ nar: fileNar('text'), path: drv }], ForgedDerivation, drv],
  ])('is not %s', async (_, entries, error, named) => {
    await expect(verify(...entries)).rejects.toThrow(error)
    await expect(verify(...entries)).rejects.toThrow(named)
  })

  test('are no more derivations than fit into memory', async () => {
    const bytes = archiveBytes(derivation('base'), derivation('drv-path'))
    const size = derivation('base').nar.length + derivation('drv-path').nar.length
    await expect(verifyArchive([bytes], { ...limits, maxDerivations: size })).resolves.toBeDefined()
    await expect(verifyArchive([bytes], { ...limits, maxDerivations: size - 1 })).rejects.toThrow(
      TooManyDerivations,
    )
  })

  test('is nothing of which any bit was changed', async () => {
    const bytes = archiveBytes(derivation('base'), text('x'), text('y', [text('x').path]))
    const whole = await verifyArchive([bytes], limits)
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 7 }), async (at, bit) => {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        const result = await verifyArchive([changed], limits).catch((error: unknown) => error)
        expect(result).toBeInstanceOf(Error)
      }),
      { numRuns: 1000 },
    )
    expect(whole.sources.size).toBe(2)
  })
})
