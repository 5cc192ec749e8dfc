import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  baseNameOf,
  fromBaseName,
  hashPartOf,
  InvalidStorePath,
  isStorePath,
  nameOf,
  parseStorePath,
} from '../../../nix/store-path.ts'

const HASH = '0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp'

describe('a store path is', () => {
  test.each([
    ['an ordinary name', 'hello-2.12'],
    ['a derivation', 'hello-2.12.drv'],
    ['one character', 'x'],
    ['211 characters', 'x'.repeat(211)],
    ['every allowed character', 'azAZ09+-._?='],
    ['a leading dot', '.bashrc'],
    ['three dots', '...'],
    ['two dots, then a letter', '..a'],
    ['a leading dash', '-x'],
  ])('%s', (_, name) => {
    const path = parseStorePath(`/nix/store/${HASH}-${name}`)
    expect(path).toBe(`/nix/store/${HASH}-${name}`)
    expect(nameOf(path)).toBe(name)
    expect(hashPartOf(path)).toBe(HASH)
    expect(baseNameOf(path)).toBe(`${HASH}-${name}`)
    expect(fromBaseName(baseNameOf(path))).toBe(path)
  })
})

describe('a store path is not', () => {
  test.each([
    ['empty', '', 'does not begin with /nix/store/'],
    ['a base name', `${HASH}-x`, 'does not begin with /nix/store/'],
    ['in another store', `/gnu/store/${HASH}-x`, 'does not begin with /nix/store/'],
    ['the store itself', '/nix/store', 'does not begin with /nix/store/'],
    ['without a name', `/nix/store/${HASH}-`, 'too short'],
    ['without a dash', `/nix/store/${HASH}.x`, 'dash'],
    ['with a letter that nix32 has not', `/nix/store/e${HASH.slice(1)}-x`, 'nix32'],
    ['with a capital in its hash', `/nix/store/${HASH.toUpperCase()}-x`, 'nix32'],
    ['longer than 211 characters', `/nix/store/${HASH}-${'x'.repeat(212)}`, '212 characters'],
    ['a file in one', `/nix/store/${HASH}-x/bin/sh`, 'something follows'],
    ['one with a slash at its end', `/nix/store/${HASH}-x/`, 'something follows'],
    ['named .', `/nix/store/${HASH}-.`, `'.' or '..'`],
    ['named ..', `/nix/store/${HASH}-..`, `'.' or '..'`],
    ['named . before a dash', `/nix/store/${HASH}-.-x`, `'.' or '..'`],
    ['named .. before a dash', `/nix/store/${HASH}-..-x`, `'.' or '..'`],
    ['named with a space', `/nix/store/${HASH}-a b`, `" "`],
    ['ending in a newline', `/nix/store/${HASH}-a\n`, `"\\n"`],
    ['named with a NUL', `/nix/store/${HASH}-a\0`, `"\\u0000"`],
    ['named beyond ASCII', `/nix/store/${HASH}-é`, `"é"`],
  ])('%s', (_, text, reason) => {
    expect(isStorePath(text)).toBe(false)
    expect(() => parseStorePath(text)).toThrow(InvalidStorePath)
    expect(() => parseStorePath(text)).toThrow(reason)
  })

  test('anything that would leave the store, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('.', '/', '-', 'a', '\n', ' ') }), (name) => {
        const text = `/nix/store/${HASH}-${name}`
        if (isStorePath(text)) expect(text).toMatch(/^\/nix\/store\/[^/\s]+$/)
        else expect(() => parseStorePath(text)).toThrow(InvalidStorePath)
      }),
    )
  })
})
