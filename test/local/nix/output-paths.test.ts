import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkDerivation,
  type DerivationFile,
  ForgedDerivation,
  isUnsupported,
  parseDerivationFile,
  type Unsupported,
} from '../../../nix/derivation-file.ts'
import { derivationNameOf, parseDerivation, referencesOf } from '../../../nix/derivation.ts'
import { recomputeOutputPaths } from '../../../nix/output-paths.ts'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'
import { TemporaryStore } from './temporary-store.ts'

const REPOSITORY = join(import.meta.dirname, '../../..')

const store = new TemporaryStore()
const derivations = new Map<StorePath, DerivationFile | Unsupported>()

beforeAll(() => {
  const experimental = ['--option', 'extra-experimental-features', 'dynamic-derivations git-hashing']
  const instantiate = (...args: string[]): void =>
    void store.text('nix-instantiate', ...experimental, ...args)
  instantiate(join(import.meta.dirname, 'output-paths.nix'))
  instantiate(join(import.meta.dirname, 'derivations.nix'))
  instantiate(join(REPOSITORY, 'bench/layered-graph.nix'), '--arg', 'layers', '60', '--arg', 'width', '50')
  for (const system of ['x86_64-linux', 'aarch64-darwin'])
    instantiate('--expr', `(${shellsOfExample()}) "${system}"`)
  for (const path of store.derivations()) derivations.set(path, parseDerivationFile(read(path)))
})
afterAll(() => store.remove())

/** The shells of the example without nixpkgs, except those that cannot be evaluated; nothing is built, and so anything serves as the first tools. */
function shellsOfExample(): string {
  const example = join(store.root, 'example')
  cpSync(join(REPOSITORY, 'examples/without-nixpkgs'), example, { recursive: true })
  mkdirSync(join(example, 'bootstrap/bin'), { recursive: true })
  const shells = `builtins.attrValues (import ${example}/shells.nix { inherit system; })`
  return `system: builtins.filter (shell: (builtins.tryEval shell.drvPath).success) (${shells})`
}

function read(path: StorePath): Buffer {
  return readFileSync(store.onDisk(path))
}

/** What Nix calls the references of a path. */
function references(path: StorePath): StorePath[] {
  return store.paths('nix-store', '--query', '--references', path)
}

/** The paths that Nix wrote into a derivation when it made it. */
function declared(path: StorePath): Record<string, string> {
  const outputs = Object.entries(parseDerivation(read(path)).outputs)
  return Object.fromEntries(outputs.map(([name, output]) => [name, output.path]))
}

test('the outputs of every derivation get the paths that Nix gave them', () => {
  const recomputed = recomputeOutputPaths(derivations)
  let compared = 0
  for (const [path, result] of recomputed) {
    if (isUnsupported(result)) continue
    expect({ ...result.outputs }).toEqual(declared(path))
    compared++
  }
  expect(recomputed.size).toBe(derivations.size)
  expect(compared).toBeGreaterThan(3000)
})

test('what is unsupported is so for a reason, and nothing else suffers', () => {
  const reasons = new Map<string, string>()
  for (const [path, result] of recomputeOutputPaths(derivations))
    if (isUnsupported(result)) reasons.set(derivationNameOf(path), withoutHash(result.unsupported))
  const newer = reasons.has('dynamic')
  expect(Object.fromEntries(reasons)).toEqual({
    floating: 'floating content-addressed',
    impure: 'impure',
    deferred: 'deferred on floating.drv, which is unsupported: floating content-addressed',
    'needs-deferred': 'deferred on floating.drv, which is unsupported: floating content-addressed',
    'needs-impure': 'deferred on impure.drv, which is unsupported: impure',
    ...(newer && {
      'textual.drv': 'floating content-addressed',
      dynamic: 'dynamic derivation',
      git: 'fixed output with the hash git:sha1',
      'needs-git': 'deferred on git.drv, which is unsupported: fixed output with the hash git:sha1',
    }),
  })
})

function withoutHash(text: string): string {
  return text.replaceAll(/\/nix\/store\/[0-9a-z]{32}-/g, '')
}

describe('the path of every .drv file', () => {
  test('is that of its contents, references and name', () => {
    for (const [path, drv] of derivations) {
      const refers = isUnsupported(drv) ? references(path) : referencesOf(drv)
      expect(() => checkDerivation(path, read(path), refers)).not.toThrow()
    }
  })

  test('is another one when a byte changes, a reference is left out, or the name is another', () => {
    for (const [path, drv] of [...derivations].slice(0, 100)) {
      if (isUnsupported(drv) || drv.system !== 'x86_64-linux') continue
      const bytes = read(path)
      const changed = Buffer.from(bytes.toString('latin1').replace('x86_64', 'riscv'), 'latin1')
      const refers = referencesOf(drv)
      const another = path.replace('.drv', 'x.drv')
      expect(() => checkDerivation(path, changed, refers)).toThrow(ForgedDerivation)
      expect(() => checkDerivation(parseStorePath(another), bytes, refers)).toThrow(ForgedDerivation)
      if (refers.length > 0)
        expect(() => checkDerivation(path, bytes, refers.slice(1))).toThrow(ForgedDerivation)
    }
  })

  test('has the references that Nix registered', () => {
    for (const [path, drv] of [...derivations].slice(0, 60))
      if (!isUnsupported(drv)) expect(referencesOf(drv)).toEqual(references(path).sort())
  })
})
