import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fingerprint, formatNarInfo, parseNarInfo } from '../../../nix/narinfo.ts'
import {
  formatPublicKey,
  formatSecretKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
  sign,
  verify,
} from '../../../nix/signature.ts'
import { hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import { TemporaryStore } from './temporary-store.ts'

const store = new TemporaryStore()
let closure: StorePath[] = []

beforeAll(() => {
  const [all = ''] = store.paths('nix-build', '--no-out-link', `${import.meta.dirname}/packages.nix`)
  closure = store.paths('nix-store', '--query', '--requisites', '--include-outputs', ...store.derivations())
  expect(closure).toContain(all)
})
afterAll(() => store.remove())

/** Copies everything into a new binary cache: outputs, sources and derivations. */
function cacheOf(name: string, compression: string): string {
  const to = ['--to', `file://${join(store.root, name)}?compression=${compression}`]
  const drvs = closure.filter((path) => path.endsWith('.drv'))
  store.text('nix', 'copy', ...to, ...closure.filter((path) => !drvs.includes(path)))
  store.text('nix', 'copy', ...to, '--derivation', ...drvs)
  return name
}

describe('narinfos that nix copy wrote', () => {
  test.each(['none', 'xz', 'zstd'])('come out byte for byte as they were: %s', (compression) => {
    const infos = store.narInfos(cacheOf(compression, compression))
    expect(infos.length).toBe(closure.length)
    for (const { name, text } of infos) {
      const info = parseNarInfo(text)
      expect(formatNarInfo(info)).toBe(text)
      expect(`${hashPartOf(info.storePath)}.narinfo`).toBe(name)
      expect(info.compression).toBe(compression)
    }
    const read = infos.map(({ text }) => parseNarInfo(text))
    const some = (has: (info: (typeof read)[number]) => boolean): number => read.filter(has).length
    expect(some((info) => info.references.includes(info.storePath))).toBe(1)
    expect(some((info) => info.references.length === 0)).toBeGreaterThan(0)
    expect(some((info) => info.ca?.startsWith('text:') === true)).toBeGreaterThan(0)
    expect(some((info) => info.ca?.startsWith('fixed:') === true)).toBeGreaterThan(0)
    expect(some((info) => info.deriver?.endsWith('.drv') === true)).toBeGreaterThan(0)
  })

  test('come out byte for byte after they were signed twice', () => {
    const cache = cacheOf('signed-twice', 'none')
    for (const key of ['b-1', 'a-1']) signAll(cache, formatSecretKey(generateSecretKey(key)))
    for (const { text } of store.narInfos(cache)) {
      expect(parseNarInfo(text).signatures.length).toBe(2)
      expect(formatNarInfo(parseNarInfo(text))).toBe(text)
    }
  })
})

/** Signs every path of a cache with `nix store sign`. */
function signAll(cache: string, secretKey: string): void {
  const file = join(store.root, 'secret-key')
  writeFileSync(file, secretKey)
  store.elsewhere(
    'nix',
    'store',
    'sign',
    '--all',
    '--key-file',
    file,
    '--store',
    `file://${join(store.root, cache)}`,
  )
}

describe('signatures are bit for bit those of nix store sign', () => {
  test.each([
    [
      'a key that Nix made',
      () => store.elsewhere('nix', 'key', 'generate-secret', '--key-name', 'cache.example.org-1'),
    ],
    ['a key that we made', () => formatSecretKey(generateSecretKey('ours-1'))],
  ])('with %s', (name, makeKey) => {
    const text = makeKey()
    const key = parseSecretKey(text)
    const cache = cacheOf(name.replaceAll(' ', '-'), 'none')
    signAll(cache, text)
    const infos = store.narInfos(cache).map((file) => parseNarInfo(file.text))
    expect(infos.length).toBe(closure.length)
    for (const info of infos) {
      expect(info.signatures).toEqual([sign(fingerprint(info), key)])
      expect(verify(fingerprint(info), info.signatures[0] ?? '', [publicKeyOf(key)])).toBe(key.name)
    }
    expect(formatPublicKey(publicKeyOf(key))).toBe(publicKeyByNix(text))
  })
})

/** What Nix says is the public key of a secret key. */
function publicKeyByNix(secretKey: string): string {
  const file = join(store.root, 'to-convert')
  writeFileSync(file, secretKey)
  return store.elsewhere('sh', '-c', `nix key convert-secret-to-public < ${file}`)
}

describe('what we sign is believed by nix store verify', () => {
  test.each([
    ['with our key', true],
    ['not with another key of the same name', false],
  ])('%s', (name, believed) => {
    const cache = cacheOf(`verify-${believed}`, 'none')
    const key = generateSecretKey('ours-1')
    const trusted = believed ? key : generateSecretKey('ours-1')
    for (const { name: file, text } of store.narInfos(cache)) {
      const info = parseNarInfo(text)
      const signed = { ...info, signatures: [sign(fingerprint(info), key)] }
      writeFileSync(join(store.root, cache, file), formatNarInfo(signed))
    }
    const outputs = closure.filter((path) => path.endsWith('-several') || path.endsWith('-alone'))
    const options = ['--no-contents', '--sigs-needed', '1', '--store', `file://${join(store.root, cache)}`]
    const keys = ['--option', 'trusted-public-keys', formatPublicKey(publicKeyOf(trusted))]
    const check = (): string => store.elsewhere('nix', 'store', 'verify', ...options, ...keys, ...outputs)
    expect(outputs.length, name).toBe(2)
    if (believed) expect(check).not.toThrow()
    else expect(check).toThrow('untrusted')
  })
})
