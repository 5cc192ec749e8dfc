import { describe, expect, test } from 'vitest'
import {
  allowSubstitutes,
  InvalidAttribute,
  requiredSystemFeatures,
  structuredAttrs,
} from '../../../nix/derivation-attributes.ts'
import type { DerivationOutput } from '../../../nix/derivation.ts'
import type { Environment } from '../../../nix/environment.ts'
import { parseStorePath } from '../../../nix/store-path.ts'

const out: DerivationOutput = {
  path: parseStorePath('/nix/store/0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp-x'),
  hashAlgo: '',
  hash: '',
}
const floating: DerivationOutput = { path: '', hashAlgo: 'r:sha256', hash: '' }
const variables = (env: Record<string, string>): Environment => new Map(Object.entries(env))
const structured = (attributes: unknown): Record<string, string> => ({ __json: JSON.stringify(attributes) })

describe('a builder must have the features', () => {
  test.each([
    ['none', {}, []],
    [
      'in a variable, split at white space',
      { requiredSystemFeatures: ' kvm \n\tbig-parallel kvm' },
      ['big-parallel', 'kvm'],
    ],
    ['in structured attributes', structured({ requiredSystemFeatures: ['kvm'] }), ['kvm']],
    [
      'not in a variable beside structured attributes',
      { ...structured({}), requiredSystemFeatures: 'kvm' },
      [],
    ],
  ])('%s', (_, env, features) => {
    expect(requiredSystemFeatures({ env: variables(env), outputs: { out } })).toEqual(features)
  })

  test('ca-derivations, when a path is known only after the build', () => {
    const env = { requiredSystemFeatures: 'kvm' }
    expect(requiredSystemFeatures({ env: variables(env), outputs: { out: floating } })).toEqual([
      'ca-derivations',
      'kvm',
    ])
  })
})

describe('clients take it from a cache', () => {
  test.each([
    ['when nothing is said', {}, true],
    ['when it is allowed', { allowSubstitutes: '1' }, true],
    ['not when it is forbidden', { allowSubstitutes: '' }, false],
    ['not when it is anything but 1: Nix compares so', { allowSubstitutes: 'true' }, false],
    ['when structured attributes say nothing', structured({}), true],
    ['when structured attributes allow it', structured({ allowSubstitutes: true }), true],
    ['not when structured attributes forbid it', structured({ allowSubstitutes: false }), false],
  ])('%s', (_, env, expected) => {
    expect(allowSubstitutes({ env: variables(env) })).toBe(expected)
  })
})

describe('structured attributes', () => {
  test('are the JSON in __json', () => {
    expect(structuredAttrs({ env: variables(structured({ a: [1, { b: null }] })) })).toEqual({
      a: [1, { b: null }],
    })
    expect(structuredAttrs({ env: variables({ a: '1' }) })).toBeUndefined()
  })

  test.each(['', '{', '[]', 'null', '1', '"text"'])('%j is refused', (json) => {
    expect(() => structuredAttrs({ env: variables({ __json: json }) })).toThrow(InvalidAttribute)
  })

  test.each([
    ['features that are no list', { requiredSystemFeatures: 'kvm' }],
    ['a feature that is no string', { requiredSystemFeatures: [1] }],
  ])('%s are refused, as Nix does', (_, attributes) => {
    expect(() =>
      requiredSystemFeatures({ env: variables(structured(attributes)), outputs: { out } }),
    ).toThrow(InvalidAttribute)
  })

  test('allowSubstitutes that is no boolean is refused, as Nix does', () => {
    expect(() => allowSubstitutes({ env: variables(structured({ allowSubstitutes: '1' })) })).toThrow(
      InvalidAttribute,
    )
  })
})
