import * as fc from 'fast-check'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  checkDerivation,
  ForgedDerivation,
  isUnsupported,
  parseDerivationFile,
} from '../../../nix/derivation-file.ts'
import { InvalidDerivation, referencesOf } from '../../../nix/derivation.ts'
import { makeTextPath } from '../../../nix/content-address.ts'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'
import { derivationOfNix, DERIVATIONS_OF_NIX } from './derivations-of-nix.ts'

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')
const a = '/nix/store/11111111111111111111111111111111-a'
const b = '/nix/store/11111111111111111111111111111111-b'

function references(bytes: Buffer): StorePath[] {
  const drv = parseDerivationFile(bytes)
  return isUnsupported(drv) ? [] : referencesOf(drv)
}

describe('only what Nix would have written is hashed: refused are', () => {
  const drv = (outputs: string, inputs = '', sources = '', rest = '"x","y",[],[]'): string =>
    `Derive([${outputs}],[${inputs}],[${sources}],${rest})`
  const out = `("out","${a}","","")`

  test.each([
    ['outputs out of order', drv(`${out},("lib","${a}","","")`)],
    ['an escape in the name of an output', drv(out.replace('out', 'o\\ut'))],
    ['a hash in capital letters', drv(`("out","${a}","sha256","AB")`)],
    ['a hash in another encoding', drv(`("out","${a}","sha256","z")`)],
    ['a hash without an algorithm', drv(`("out","${a}","","ab")`)],
    ['inputs out of order', drv(out, `("${b}",["out"]),("${a}",["out"])`)],
    ['outputs of an input out of order', drv(out, `("${a}",["out","lib"])`)],
    ['an output of an input twice', drv(out, `("${a}",["out","out"])`)],
    ['sources out of order', drv(out, '', `"${b}","${a}"`)],
    ['a source twice', drv(out, '', `"${a}","${a}"`)],
    ['an escape in the system', drv(out, '', '', '"\\x","y",[],[]')],
    ['an escape that Nix does not use', drv(out, '', '', '"x","\\y",[],[]')],
    ['a new line that is not escaped', drv(out, '', '', '"x","y",["\n"],[]')],
    ['a tab that is not escaped', drv(out, '', '', '"x","y",[],[("a","\t")]')],
    ['variables out of order', drv(out, '', '', '"x","y",[],[("b",""),("a","")]')],
    ['bytes behind the end', `${drv(out)} `],
  ])('%s', (_, text) => {
    expect(() => parseDerivationFile(bytesOf(text))).toThrow(InvalidDerivation)
  })

  test('nothing that is in order', () => {
    const [inputs, sources] = [`("${a}",["lib","out"]),("${b}",["out"])`, `"${a}","${b}"`]
    const rest = String.raw`"x","\\\"\n\r\t",["\\n"],[("a","\\"),("b","")]`
    const text = drv(`("lib","${a}","",""),${out}`, inputs, sources, rest)
    expect(parseDerivationFile(bytesOf(text))).toMatchObject({ args: ['\\n'], builder: '\\"\n\r\t' })
  })
})

test('strings are text, and hashes are of bytes', () => {
  const [path, text] = derivationOfNix('strings-1.0+b_c?d=e.f')
  const drv = parseDerivationFile(bytesOf(text))
  if (isUnsupported(drv)) throw new Error(drv.unsupported)
  expect(drv.env.get('unicode')).toBe('ä → 日本 🔥')
  expect(drv.env.get('latin')).toBe('\u{fffd}')
  expect(drv.text.bytes).toBe(text)
  expect(checkDerivation(path, bytesOf(text), referencesOf(drv))).toEqual(drv)
})

describe('the path of a .drv file', () => {
  test('is made of its contents and references, for every one that Nix made', () => {
    for (const [path, bytes] of DERIVATIONS_OF_NIX) {
      if (isUnsupported(parseDerivationFile(bytes))) continue
      expect(() => checkDerivation(path, bytes, references(bytes))).not.toThrow()
    }
  })

  test('of a dynamic derivation is checked, too', () => {
    const [path, text] = derivationOfNix('dynamic')
    const input = derivationOfNix('textual.drv')[0]
    expect(checkDerivation(path, bytesOf(text), [input])).toEqual({ unsupported: 'dynamic derivation' })
    expect(() => checkDerivation(path, bytesOf(text), [])).toThrow(ForgedDerivation)
    expect(() => checkDerivation(path, bytesOf(`${text} `), [input])).toThrow(ForgedDerivation)
  })

  test.each<[string, (path: StorePath, bytes: Buffer) => [string, Buffer, StorePath[]]]>([
    ['another name', (path, bytes) => [path.replace('needs', 'reads'), bytes, references(bytes)]],
    [
      'another hash',
      (path, bytes) => [
        path.replace(/\/\w{32}-/, '/11111111111111111111111111111111-'),
        bytes,
        references(bytes),
      ],
    ],
    ['fewer references', (path, bytes) => [path, bytes, references(bytes).slice(1)]],
    ['more references', (path, bytes) => [path, bytes, [...references(bytes), parseStorePath(a)]]],
  ])('is not one with %s', (_, forge) => {
    const [path, text] = derivationOfNix('needs-equal')
    const [forged, bytes, refers] = forge(path, bytesOf(text))
    expect(() => checkDerivation(parseStorePath(forged), bytes, refers)).toThrow(ForgedDerivation)
  })

  test('is not that of a file with one bit changed', () => {
    const [path, text] = derivationOfNix('needs-equal')
    const refers = references(bytesOf(text))
    fc.assert(
      fc.property(fc.nat({ max: text.length - 1 }), fc.nat({ max: 7 }), (at, bit) => {
        const changed = bytesOf(text)
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        expect(() => checkDerivation(path, changed, refers)).toThrow(ForgedDerivation)
      }),
      { numRuns: 500 },
    )
  })

  test.each<[string, string, string, StorePath[]]>([
    ['no derivation', 'x.drv', 'no derivation', []],
    ['a derivation that is not called one', 'x', derivationOfNix('base')[1], []],
    [
      'a derivation that refers to what it does not need',
      'x.drv',
      derivationOfNix('base')[1],
      [parseStorePath(a)],
    ],
  ])('whose hash is right is refused for %s', (_, name, text, refers) => {
    const sha256 = createHash('sha256').update(bytesOf(text)).digest('hex')
    const path = makeTextPath(name, sha256, refers)
    expect(() => checkDerivation(path, bytesOf(text), refers)).toThrow(ForgedDerivation)
  })
})
