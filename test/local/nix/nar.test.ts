import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fileSystemNarSource, narPath } from '../../../builders/machine/nar-source.ts'
import { formatHash, parseHash } from '../../../nix/hash.ts'
import { verifyNar } from '../../../nix/nar-verification.ts'
import { writeNar } from '../../../nix/nar-writer.ts'
import type { StorePath } from '../../../nix/store-path.ts'
import { TemporaryStore } from './temporary-store.ts'

const store = new TemporaryStore()
const source = fileSystemNarSource({ caseHack: false })
let built: StorePath[] = []

beforeAll(() => {
  const [all = ''] = store.paths('nix-build', '--no-out-link', `${import.meta.dirname}/packages.nix`)
  built = store.paths('nix-store', '--query', '--requisites', all)
})
afterAll(() => store.remove())

async function dump(path: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of writeNar(narPath(path), source)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Makes a file or a tree under the temporary folder and returns its path. */
function make(name: string, build: (path: string) => void): string {
  const path = join(store.root, name)
  build(path)
  return path
}

const longName = 'n'.repeat(255)

describe('a NAR is what nix-store --dump writes, and is well formed', () => {
  test.each<[string, (path: string) => void]>([
    ['an empty file', (path) => writeFileSync(path, '')],
    ...[1, 7, 8, 9, 262_143, 262_144, 262_145, 3_000_001].map((size): [string, (path: string) => void] => [
      `a file of ${size} bytes`,
      (path) => writeFileSync(path, Buffer.alloc(size, 'x')),
    ]),
    ['an executable', (path) => writeFileSync(path, '#!/bin/sh\n', { mode: 0o755 })],
    ['a file that only others may execute', (path) => writeFileSync(path, 'x', { mode: 0o611 })],
    ['a link', (path) => symlinkSync('/nowhere/\u{fc}', path)],
    ['an empty directory', (path) => mkdirSync(path)],
    [
      'names in no order but that of their bytes',
      (path) => {
        mkdirSync(path)
        const names = [
          'a',
          'B',
          'a-b',
          'ab',
          'a.b',
          '.a',
          'Z',
          '\u{fc}',
          '\u{ffff}',
          '\u{10000}',
          ' ',
          '\n',
          longName,
        ]
        for (const name of names) writeFileSync(join(path, name), name)
        writeFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xff, 0xfe])]), 'no UTF-8')
        symlinkSync(Buffer.from([0xc0, 0x80]), join(path, 'link to no UTF-8'))
      },
    ],
    [
      'a tree',
      (path) => {
        mkdirSync(join(path, 'deep/'.repeat(60)), { recursive: true })
        writeFileSync(join(path, 'deep/'.repeat(60), 'file'), 'x')
        for (let i = 0; i < 500; i++) writeFileSync(join(path, 'deep', String(i)), Buffer.alloc(i * 31, i))
        chmodSync(join(path, 'deep', '100'), 0o700)
      },
    ],
  ])('%s', async (name, build) => {
    const path = make(name, build)
    const nix = execFileSync('nix-store', ['--dump', path], { maxBuffer: 1 << 30 })
    const ours = await dump(path)
    expect(ours.equals(nix)).toBe(true)
    const { narHash, narSize } = await verifyNar([ours], { maxSize: ours.length, candidates: [] })
    expect(narHash).toBe(`sha256:${store.elsewhere('nix-hash', '--type', 'sha256', '--base32', path)}`)
    expect(narSize).toBe(nix.length)
  })
})

test('hash, size and references of built paths are what Nix registered', async () => {
  expect(built.length).toBe(7)
  for (const path of built) {
    const verified = await verifyNar(writeNar(narPath(store.onDisk(path)), source), {
      maxSize: 1e6,
      candidates: built,
    })
    expect(verified).toEqual({
      narHash: formatHash(parseHash(store.text('nix-store', '--query', '--hash', path))),
      narSize: Number(store.text('nix-store', '--query', '--size', path)),
      references: store.paths('nix-store', '--query', '--references', path).sort(),
    })
  }
})

test.each(['md5', 'sha1', 'sha256', 'sha512'] as const)(
  '%s hashes are read and written as nix-hash does',
  (algorithm) => {
    const path = make(`to hash ${algorithm}`, (file) => writeFileSync(file, algorithm))
    const nix = (format: string): string =>
      store.elsewhere('nix-hash', '--flat', '--type', algorithm, ...(format === '' ? [] : [format]), path)
    expect(formatHash(parseHash(nix(''), algorithm))).toBe(`${algorithm}:${nix('--base32')}`)
    expect(formatHash(parseHash(nix('--base32'), algorithm))).toBe(`${algorithm}:${nix('--base32')}`)
  },
)
