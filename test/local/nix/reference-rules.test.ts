import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseDerivation } from '../../../nix/derivation.ts'
import { brokenRules, type ReferencingPath, referenceRulesOf } from '../../../nix/reference-rules.ts'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'
import { TemporaryStore } from './temporary-store.ts'

const FILE = join(import.meta.dirname, 'reference-rules.nix')
const store = new TemporaryStore()
const names: string[] = []
const known = new Map<StorePath, ReferencingPath>()
let lib: StorePath

beforeAll(() => {
  for (const path of store.paths('nix-build', FILE, '--no-out-link', '-A', 'lib', '-A', 'libc')) {
    known.set(path, {
      references: store.paths('nix-store', '--query', '--references', path),
      narSize: Number(store.text('nix-store', '--query', '--size', path)),
    })
    if (path.endsWith('-lib')) lib = path
  }
  const rows = store.text(
    'nix-instantiate',
    '--eval',
    '--json',
    '--expr',
    `builtins.attrNames (import ${FILE}).rows`,
  )
  names.push(...(JSON.parse(rows) as string[]))
})
afterAll(() => store.remove())

test('Nix registers an output exactly when it keeps the rules as they are read here', () => {
  const judged: Record<string, boolean> = {}
  const built: Record<string, boolean> = {}
  for (const name of names) {
    const [path] = store.paths('nix-instantiate', FILE, '-A', `rows.${name}`)
    const drv = parseDerivation(readFileSync(store.onDisk(path ?? lib)))
    const outputs = Object.fromEntries(
      Object.entries(drv.outputs).map(([output, { path: made }]) => [output, parseStorePath(made)]),
    )
    const { out = lib, dev = lib } = outputs
    // NARs of one file: 112 bytes around its padded contents
    const narSize = 112 + Math.ceil((out.length + dev.length + lib.length + 3) / 8) * 8
    const all = new Map([
      ...known,
      [out, { references: [out, dev, lib], narSize }] as const,
      [dev, { references: [], narSize: 120 }] as const,
    ])
    const rules = referenceRulesOf(drv, Object.keys(outputs)) ?? {}
    judged[name] = Object.entries(rules).every(
      ([output, own]) => brokenRules(outputs[output] ?? lib, own, outputs, all).length === 0,
    )
    built[name] = isBuilt(path ?? lib)
  }
  expect(names.length).toBeGreaterThan(20)
  expect(judged).toEqual(built)
  expect(new Set(Object.values(built))).toEqual(new Set([true, false]))
})

function isBuilt(drvPath: StorePath): boolean {
  try {
    store.text('nix-store', '--realise', drvPath)
    return true
  } catch (error) {
    // anything else than a broken rule would be a fault of this test
    expect(String(error)).toMatch(/is not allowed to refer to|is too large at|illegal reference specifier/)
    return false
  }
}
