import { chmodSync, createReadStream, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UnprovenPath, type VerifiedArchive, verifyArchive } from '../../../nix/archive-verification.ts'
import { ForgedDerivation, isUnsupported } from '../../../nix/derivation-file.ts'
import { InvalidArchive, readExportArchive } from '../../../nix/export-archive.ts'
import { formatHash } from '../../../nix/hash.ts'
import { type NarInfo, parseNarInfo } from '../../../nix/narinfo.ts'
import { recomputeOutputPaths } from '../../../nix/output-paths.ts'
import { nameOf, parseStorePath, type StorePath } from '../../../nix/store-path.ts'
import { archiveBytes, fileNar, type PathToArchive } from '../../unit/nix/archive-bytes.ts'
import { TemporaryStore } from './temporary-store.ts'

const LIMITS = { maxSize: 2 ** 30, maxDerivations: 2 ** 30 }

const store = new TemporaryStore()
let root: StorePath
let closure: StorePath[]
const narInfos = new Map<StorePath, NarInfo>()

beforeAll(() => {
  const folder = makeFiles(join(store.root, 'folder'))
  const added = [...addFixed(join(folder, 'tree/file')), selfReferring()]
  const list = `[ ${added.map((path) => `"${path}"`).join(' ')} ]`
  const args = ['--arg', 'added', list, '--arg', 'folder', folder]
  root = parseStorePath(store.text('nix-instantiate', join(import.meta.dirname, 'sources.nix'), ...args))
  closure = store.paths('nix-store', '--query', '--requisites', root)
  const to = ['--to', `file://${join(store.root, 'cache')}?compression=none`]
  store.text('nix', 'copy', ...to, ...closure.filter((path) => !path.endsWith('.drv')))
  store.text('nix', 'copy', ...to, '--derivation', root)
  for (const { text } of store.narInfos('cache')) {
    const info = parseNarInfo(text)
    narInfos.set(info.storePath, info)
  }
  store.elsewhere('sh', '-c', `nix-store --store "$0" --export "$@" > real`, storeOnDisk(), ...closure)
})
afterAll(() => store.remove())

function storeOnDisk(): string {
  return join(store.root, 'store')
}

function makeFiles(folder: string): string {
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'empty'), { recursive: true })
  writeFileSync(join(tree, 'file'), 'a file\n')
  writeFileSync(join(tree, 'executable'), '#!/bin/sh\n')
  chmodSync(join(tree, 'executable'), 0o755)
  symlinkSync('file', join(tree, 'link'))
  // Larger than what is kept in memory of one path.
  writeFileSync(join(folder, 'large'), Buffer.alloc(17 * 2 ** 20, 'seventeen MiB of this and that. '))
  return folder
}

/** Adds a file by every algorithm, as itself and as a NAR. */
function addFixed(file: string): string[] {
  return ['md5', 'sha1', 'sha256', 'sha512'].flatMap((algorithm) =>
    [[], ['--recursive']].map((recursive) =>
      store.text('nix-store', '--add-fixed', ...recursive, algorithm, file),
    ),
  )
}

/** A content-addressed path that refers to itself and to another: Nix makes it from an input-addressed one. */
function selfReferring(): string {
  const one = `/nix/store/${'1'.repeat(32)}-one`
  const self = `/nix/store/${'2'.repeat(32)}-self`
  const contents = `${self} ${one} ${self}${self}`
  importBytes(
    archiveBytes(
      { nar: fileNar('one'), path: one },
      { nar: fileNar(contents), path: self, references: [one, self] },
    ),
  )
  const { rewrites }: { rewrites: Record<string, string> } = JSON.parse(
    store.text('nix', 'store', 'make-content-addressed', '--json', self),
  )
  return rewrites[self] ?? ''
}

/** Imports an archive, as any builder would; returns the paths that Nix took. */
function importBytes(bytes: Uint8Array): string[] {
  writeFileSync(join(store.root, 'import'), bytes)
  const printed = store.elsewhere('sh', '-c', 'nix-store --store "$0" --import < import', storeOnDisk())
  return printed.split('\n')
}

function verify(bytes: Uint8Array): Promise<VerifiedArchive> {
  return verifyArchive([bytes], LIMITS)
}

/** What Nix says of a path that it has written to a binary cache. */
function registered(path: StorePath): NarInfo {
  const found = narInfos.get(path)
  if (found === undefined) throw new Error(`Nix wrote no narinfo of ${path}`)
  return found
}

describe('an archive of nix-store --export', () => {
  test('is accepted: every derivation, and every source with the content address that Nix gave it', async () => {
    const { derivations, sources } = await verifyArchive(
      createReadStream(join(store.root, 'real'), { highWaterMark: 10_007 }),
      LIMITS,
    )
    expect([...derivations.keys(), ...sources.keys()].sort()).toEqual(closure.toSorted())
    expect(derivations.size).toBe(2)
    expect(sources.size).toBeGreaterThanOrEqual(20)
    for (const [path, source] of sources) {
      const { narHash, narSize, references, ca } = registered(path)
      expect({ path, ...source }).toEqual({
        path,
        narHash,
        narSize,
        references: references.toSorted(),
        contentAddress: ca,
      })
    }
  })

  test('gives the outputs their paths', async () => {
    const { derivations } = await verify(readFileSync(join(store.root, 'real')))
    const outputs = [...recomputeOutputPaths(derivations).values()].flatMap((result) =>
      isUnsupported(result) ? [] : Object.values(result.outputs),
    )
    const drvs = [...derivations.keys()]
    expect(outputs.sort()).toEqual(
      drvs.flatMap((drv) => store.paths('nix-store', '-q', '--outputs', drv)).sort(),
    )
  })

  test('is read as it was written: hashes, sizes, references and derivers', async () => {
    for await (const { path, contents, references, deriver } of readExportArchive(
      createReadStream(join(store.root, 'real')),
      { maxSize: LIMITS.maxSize, maxKept: 1000 },
    )) {
      const nix = registered(path)
      expect([formatHash(contents.hashNar('sha256')), contents.size]).toEqual([nix.narHash, nix.narSize])
      expect(references).toEqual(nix.references.toSorted())
      expect(deriver).toBeUndefined()
    }
  })
})

describe('an archive is refused for', () => {
  let entries: PathToArchive[]
  const input = (): string => closure.find((path) => path.endsWith('-input.drv')) ?? ''
  const entry = (suffix: string): PathToArchive => {
    const found = entries.find(({ path }) => path.endsWith(suffix))
    if (found === undefined) throw new Error(`the archive has no ${suffix}`)
    return found
  }
  const glibc = `/nix/store/${'3'.repeat(32)}-glibc-2.40`

  beforeAll(() => {
    const wanted = [input(), ...closure.filter((path) => ['references.txt', 'tree'].includes(nameOf(path)))]
    entries = store.paths('nix-store', '--query', '--requisites', ...wanted).map((path) => ({
      path,
      nar: store.bytes('nix-store', '--dump', store.onDisk(path)),
      references: registered(path).references.toSorted(),
    }))
  })

  test('nothing, when nothing was changed', async () => {
    await expect(verify(archiveBytes(...entries))).resolves.toBeDefined()
  })

  test.each<[string, () => PathToArchive[], new (...args: never[]) => Error, () => string]>([
    [
      'an input-addressed path',
      () => [...entries, { nar: fileNar('evil'), path: glibc }],
      UnprovenPath,
      () => glibc,
    ],
    [
      'an input-addressed path that a source refers to',
      () => [{ nar: fileNar('evil'), path: glibc }, ...entries],
      UnprovenPath,
      () => glibc,
    ],
    [
      'a source with other bytes',
      () => entries.map((one) => (one === entry('-one.txt') ? { ...one, nar: fileNar('b text') } : one)),
      UnprovenPath,
      () => entry('-one.txt').path,
    ],
    [
      'a source that became executable',
      () =>
        entries.map((one) => (one === entry('-one.txt') ? { ...one, nar: fileNar('a text', true) } : one)),
      UnprovenPath,
      () => entry('-one.txt').path,
    ],
    [
      'a source that refers to less',
      () => entries.map((one) => (one === entry('-references.txt') ? { ...one, references: [] } : one)),
      UnprovenPath,
      () => entry('-references.txt').path,
    ],
    [
      'a derivation with another builder',
      () => entries.map((one) => (one === entry('-input.drv') ? { ...one, nar: changed(one.nar) } : one)),
      ForgedDerivation,
      () => input(),
    ],
    [
      'the same path twice',
      () => [...entries, entry('-one.txt')],
      UnprovenPath,
      () => entry('-one.txt').path,
    ],
  ])('%s', async (_, forge, error, named) => {
    const bytes = archiveBytes(...forge())
    await expect(verify(bytes)).rejects.toThrow(error)
    await expect(verify(bytes)).rejects.toThrow(named())
  })

  test('what Nix itself imports: a forged path with any contents', () => {
    expect(importBytes(archiveBytes({ nar: fileNar('evil'), path: glibc }))).toEqual([glibc])
  })

  function changed(nar: Uint8Array): Buffer {
    const text = Buffer.from(nar).toString('latin1')
    return Buffer.from(text.replace('x86_64-linux', 'i686---linux'), 'latin1')
  }

  test('a path whose reference comes later, or never', async () => {
    await expect(verify(archiveBytes(...entries.toReversed()))).rejects.toThrow(UnprovenPath)
    const without = entries.filter((one) => one !== entry('-one.txt'))
    await expect(verify(archiveBytes(...without))).rejects.toThrow(entry('-one.txt').path)
  })

  test('one that is cut short anywhere, and one that goes on behind its end', async () => {
    const bytes = archiveBytes(...entries)
    for (let length = 0; length < bytes.length; length += 97)
      await expect(verify(bytes.subarray(0, length))).rejects.toThrow(InvalidArchive)
    await expect(verify(Buffer.concat([bytes, Buffer.alloc(8)]))).rejects.toThrow('bytes follow its end')
  })
})
