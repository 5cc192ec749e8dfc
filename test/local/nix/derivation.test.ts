import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allowSubstitutes,
  requiredSystemFeatures,
  structuredAttrs,
} from '../../../nix/derivation-attributes.ts'
import { readDerivationClosure } from '../../../nix/derivation-closure.ts'
import { type Derivation, derivationNameOf, isFixedOutput, parseDerivation } from '../../../nix/derivation.ts'
import type { StorePath } from '../../../nix/store-path.ts'
import { TemporaryStore } from './temporary-store.ts'

/** What `nix show-derivation` prints of one derivation, in Nix 2.8 to 2.33. */
interface Shown {
  outputs: Record<
    string,
    { path?: string; hashAlgo?: string; hash?: string; method?: string; impure?: boolean }
  >
  inputSrcs: string[]
  inputDrvs: Record<string, string[] | { outputs: string[] }>
  system: string
  builder: string
  args: string[]
  env: Record<string, string>
}

const store = new TemporaryStore()
const derivations = new Map<string, Derivation>()

beforeAll(() => {
  for (const path of store.paths('nix-instantiate', `${import.meta.dirname}/derivations.nix`)) read(path)
  for (const path of store.derivations()) derivations.set(derivationNameOf(path), read(path))
})
afterAll(() => store.remove())

function read(path: StorePath): Derivation {
  return parseDerivation(readFileSync(store.onDisk(path)))
}

function named(name: string): Derivation {
  const drv = derivations.get(name)
  if (drv === undefined) throw new Error(`derivations.nix has no derivation ${name}`)
  return drv
}

/** What Nix says of derivations, whichever name its command has. */
function show(...args: string[]): Record<string, Shown> {
  const [, major = '', minor = ''] = /(\d+)\.(\d+)/.exec(store.elsewhere('nix', '--version')) ?? []
  const version = Number(major) * 1000 + Number(minor)
  const command = version >= 2015 ? ['derivation', 'show'] : ['show-derivation']
  const shown: Record<string, Shown> = JSON.parse(store.text('nix', ...command, ...args))
  if ('version' in shown) {
    throw new Error(
      'this test knows what Nix 2.8 to 2.33 print, and 2.34 leaves out paths of fixed outputs: put an older Nix on PATH',
    )
  }
  return shown
}

/** A parsed derivation in the words of `nix show-derivation`. */
function asShown(
  drv: Derivation,
): Omit<Shown, 'outputs' | 'inputDrvs'> & { outputs: string[]; inputDrvs: Record<string, string[]> } {
  return {
    outputs: Object.entries(drv.outputs).map(([name, { path, hashAlgo, hash }]) =>
      [name, path, hashAlgo, hash].join(' '),
    ),
    inputSrcs: drv.inputSrcs,
    inputDrvs: Object.fromEntries(drv.inputDrvs),
    system: drv.system,
    builder: drv.builder,
    args: drv.args,
    env: Object.fromEntries(drv.env),
  }
}

function normalize(shown: Shown): ReturnType<typeof asShown> {
  return {
    ...shown,
    outputs: Object.entries(shown.outputs).map(
      ([name, { path = '', method, hashAlgo = '', hash, impure = false }]) => {
        const algorithm = method === 'nar' ? `r:${hashAlgo}` : hashAlgo
        return [name, path, algorithm, hash ?? (impure ? 'impure' : '')].join(' ')
      },
    ),
    inputDrvs: Object.fromEntries(
      Object.entries(shown.inputDrvs).map(([path, input]) => [
        path,
        Array.isArray(input) ? input : input.outputs,
      ]),
    ),
  }
}

test('every derivation says what Nix says of the same file', () => {
  const paths = store.derivations()
  const shown = show(...paths)
  expect(paths.length).toBeGreaterThanOrEqual(20)
  for (const path of paths) {
    const nix = shown[path]
    if (nix === undefined) throw new Error(`Nix does not show ${path}`)
    const { outputs, inputSrcs, inputDrvs, system, builder, args, env } = normalize(nix)
    expect(asShown(read(path))).toEqual({ outputs, inputSrcs, inputDrvs, system, builder, args, env })
  }
})

test('a closure has the derivations that Nix shows with -r', () => {
  const roots = store
    .derivations()
    .filter((path) => path.endsWith('-inputs.drv') || path.endsWith('-deferred.drv'))
  const closure = readDerivationClosure(roots, (path) => readFileSync(store.onDisk(path)))
  expect([...closure.keys()].sort()).toEqual(Object.keys(show('-r', ...roots)).sort())
  expect(closure.size).toBe(5)
})

describe('of the derivation that the expression describes', () => {
  test('structured attributes are JSON', () => {
    const attributes = structuredAttrs(named('structured'))
    expect(attributes).toMatchObject({
      nested: { list: [1, 2.5, true, null, '"\\\n'], path: named('base').outputs['out']?.path },
    })
    expect(structuredAttrs(named('base'))).toBeUndefined()
  })

  test.each([
    ['base', []],
    ['features', ['kvm', 'nixos-test']],
    ['structured', ['big-parallel', 'kvm']],
    ['floating', ['ca-derivations']],
    ['deferred', ['ca-derivations']],
  ])('%s requires the features %j', (name, features) => {
    expect(requiredSystemFeatures(named(name))).toEqual(features)
  })

  test.each([
    ['base', true],
    ['features', false],
    ['structured', false],
  ])('%s is taken from a cache: %j', (name, expected) => {
    expect(allowSubstitutes(named(name))).toBe(expected)
  })

  test.each([
    ['base', false],
    ['fixed-sha256-flat', true],
    ['fixed-sha1-recursive', true],
    ['floating', false],
    ['impure', false],
  ])('%s has a fixed output: %j', (name, expected) => {
    expect(isFixedOutput(named(name))).toBe(expected)
  })
})
