import { describe, expect, test } from 'vitest'
import { type Capabilities, findObstacles, ownObstacle } from '../../../../functions/plan/buildable.ts'
import { findMissing } from '../../../../functions/plan/missing.ts'
import { warmSetOf } from '../../../../functions/plan/warm-set.ts'
import type { StorePath } from '../../../../nix/store-path.ts'
import { drv, graphOf, out, type Sketch, storePath } from '../graphs.ts'

const capabilities: Capabilities = new Map<string, Set<string> | string>([
  ['x86_64-linux', new Set(['big-parallel', 'nixos-test'])],
  ['aarch64-linux', new Set(['big-parallel'])],
  ['x86_64-darwin', 'no machine for x86_64-darwin came within 24 h'],
])

interface World {
  held?: StorePath[]
  failures?: [string, string][]
}

async function obstacles(sketches: Record<string, Sketch>, { held = [], failures = [] }: World = {}) {
  const graph = graphOf(sketches)
  const failed = new Map(failures.map(([name, reason]) => [drv(name), reason]))
  const own = (drvPath: StorePath) => ownObstacle(graph, drvPath, failed.get(drvPath), capabilities)
  const missing = await findMissing(
    graph,
    warmSetOf(graph, 'packages.app', drv('app')),
    async (paths) => new Set(paths.filter((path) => held.includes(path))),
    (drvPath) => own(drvPath) !== undefined,
  )
  return findObstacles(graph, missing, own)
}

describe('what stands in the way of a derivation', () => {
  test.each<[string, Sketch, string | undefined]>([
    ['nothing', {}, undefined],
    ['another of our systems', { system: 'aarch64-linux' }, undefined],
    ['what Nix itself does on every system', { system: 'builtin' }, undefined],
    ['a feature that builders have', { features: ['big-parallel'] }, undefined],
    [
      'a system without a builder',
      { system: 'aarch64-darwin' },
      'it is for aarch64-darwin, and there is no builder for that system',
    ],
    [
      'features that no builder has',
      { features: ['kvm', 'big-parallel', 'quantum'] },
      'it requires kvm, quantum, which no builder has',
    ],
    ['a feature that the builders of its system have', { features: ['nixos-test'] }, undefined],
    [
      'a feature that only the builders of another system have',
      { system: 'aarch64-linux', features: ['nixos-test'] },
      'it requires nixos-test, which no builder has',
    ],
    [
      'a system whose machines the run has waited for in vain',
      { system: 'x86_64-darwin' },
      'no machine for x86_64-darwin came within 24 h',
    ],
    [
      'what nobody can build yet',
      { unsupported: 'it is an impure derivation' },
      'it is an impure derivation',
    ],
  ])('%s', async (_, sketch, reason) => {
    const expected = reason === undefined ? [] : [[drv('app'), { reason, blame: [drv('app')] }]]
    expect([...(await obstacles({ app: sketch }))]).toEqual(expected)
  })

  const chain = { app: { needs: ['lib'] }, lib: { needs: ['left', 'right'] }, left: {}, right: {} }
  const inherited = 'what it needs is not built'

  test('what failed, and everything that needs it', async () => {
    const found = await obstacles(chain, { failures: [['left', 'exit code 3']] })
    expect(Object.fromEntries(found)).toEqual({
      [drv('left')]: { reason: 'exit code 3', blame: [drv('left')] },
      [drv('lib')]: { reason: inherited, blame: [drv('left')] },
      [drv('app')]: { reason: inherited, blame: [drv('left')] },
    })
  })

  test('everything that failed is blamed, each once', async () => {
    const diamond = { ...chain, app: { needs: ['lib', 'left'] } }
    const found = await obstacles(diamond, {
      failures: [
        ['left', 'exit code 3'],
        ['right', 'exit code 4'],
      ],
    })
    expect(found.get(drv('app'))).toEqual({ reason: inherited, blame: [drv('left'), drv('right')] })
  })

  test('nothing that failed before and is in a cache now', async () => {
    expect(await obstacles(chain, { held: [out('left')], failures: [['left', 'lost']] })).toEqual(new Map())
  })

  test('not the failure of an output that is not needed', async () => {
    // multi.doc is wanted and cannot be built; lib needs multi.out, which a cache has
    const partly = {
      app: { needs: ['multi.doc', 'lib'] },
      lib: { needs: ['multi.out'] },
      multi: { outputs: ['out', 'doc'] },
    }
    const found = await obstacles(partly, { held: [out('multi')], failures: [['multi', 'exit code 3']] })
    expect([...found.keys()].toSorted()).toEqual([drv('app'), drv('multi')].toSorted())
  })

  test('the failure of a derivation that makes a path, though another one is named', async () => {
    const source = storePath('source.tar.gz')
    const found = await obstacles(
      {
        app: { needs: ['fetch-one', 'lib'] },
        lib: { needs: ['fetch-two'] },
        'fetch-one': { paths: { out: source } },
        'fetch-two': { paths: { out: source } },
      },
      {
        failures: [
          ['fetch-one', 'no such host'],
          ['fetch-two', 'no such host'],
        ],
      },
    )
    expect(found.get(drv('lib'))).toEqual({ reason: inherited, blame: [drv('fetch-one')] })
  })
})
