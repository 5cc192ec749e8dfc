import { expect, test } from 'vitest'
import { rootsOf } from '../../../../functions/record/roots.ts'
import type { PlannedShell, WavePlan } from '../../../../functions/shared/contract.ts'
import { out } from '../graphs.ts'

const TARGET = {
  repository: 'acme/shells',
  ref: 'refs/heads/main',
  commit: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
}
const shell = (attribute: string, system: string, status: PlannedShell['status']): PlannedShell => ({
  attribute,
  system,
  paths: [out('a'), out('b')],
  status,
})
const plan: WavePlan = {
  version: 1,
  run: 'the-run-that-warmed-it',
  wave: 2,
  verdict: 'stuck',
  target: TARGET,
  config: 'abc',
  shells: [
    shell('devShells.default', 'x86_64-linux', 'warm'),
    shell('devShells.default', 'aarch64-linux', 'warm'),
    shell('devShells.cold', 'x86_64-linux', 'cold'),
    shell('devShells.failed', 'x86_64-linux', 'failed'),
  ],
  lanes: [],
  derivations: { graph: 3, missing: 1, scheduled: 0 },
}

test('what is called alike for every system has a root for each', () => {
  const shells = ['x86_64-linux', 'aarch64-linux'].map((system) =>
    shell('nixpkgs#bashInteractive', system, 'warm'),
  )
  const names = rootsOf({ ...plan, shells }, TARGET, 'this-run', '').map((root) => root.shell)
  expect(names).toEqual(['x86_64-linux nixpkgs#bashInteractive', 'aarch64-linux nixpkgs#bashInteractive'])
})

test('a shell that is warm gets a root of its own on each system; one that is not keeps the root it had', () => {
  const root = {
    version: 1,
    target: TARGET,
    attribute: 'devShells.default',
    paths: [out('a'), out('b')],
    run: 'this-run',
    refreshed: '2026-03-12T19:00:00.000Z',
  }
  expect(rootsOf(plan, TARGET, 'this-run', '2026-03-12T19:00:00.000Z')).toEqual([
    { shell: 'x86_64-linux devShells.default', root: { ...root, system: 'x86_64-linux' } },
    { shell: 'aarch64-linux devShells.default', root: { ...root, system: 'aarch64-linux' } },
  ])
})
