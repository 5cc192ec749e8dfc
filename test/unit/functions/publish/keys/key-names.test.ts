import { describe, expect, test } from 'vitest'
import { firstKeyName, nextKeyName } from '../../../../../functions/publish/keys/key-names.ts'

describe('the first key', () => {
  test.each([
    ['is named for the deployment', undefined, 'hearth-prod-1'],
    ['has the name that is asked for', 'cache.example.org-1', 'cache.example.org-1'],
  ])('%s', (_, wanted, name) => {
    expect(firstKeyName('hearth-prod', wanted)).toBe(name)
  })

  test.each([
    ['a colon, which ends a name', 'a:b'],
    ['a space, which ends a key in nix.conf', 'a b'],
    ['a newline, which ends a line of a narinfo', 'a\nSig'],
    ['a quote, which ends a string in a flake', 'a"b'],
    ['an antiquotation', '${x}'],
    ['nothing', ''],
    ['a name of 101 characters', 'a'.repeat(101)],
    ['the name of a key of the past', 'old-1'],
  ])('cannot be named with %s', (_, wanted) => {
    expect(() => firstKeyName('hearth-prod', wanted, ['old-1'])).toThrow(
      expect.objectContaining({ name: 'InvalidKeyName' }),
    )
  })
})

describe('the next key has the next number, and never a name that was there', () => {
  test.each([
    [['acme-1'], 'acme-2'],
    [['acme-1', 'acme-2'], 'acme-3'],
    [['acme-9'], 'acme-10'],
    [['acme-3', 'acme-2'], 'acme-4'],
    [['acme'], 'acme-2'],
    [['cache.example.org-1'], 'cache.example.org-2'],
    [['other-7', 'acme-1'], 'acme-2'],
    [['1-2-3'], '1-2-4'],
  ])('%j: %s', (names, next) => {
    expect(nextKeyName(names)).toBe(next)
  })
})
