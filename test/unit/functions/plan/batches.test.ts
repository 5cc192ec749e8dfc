import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide } from '../../../../functions/plan/decide.ts'
import type { EvaluatedShell, Graph } from '../../../../functions/shared/contract.ts'
import { derivationOf } from '../../../../functions/shared/graph.ts'
import type { StorePath } from '../../../../nix/store-path.ts'
import { drv, graphOf, out, type Sketch, storePath } from '../graphs.ts'
import { anyWanting } from './random-graph.ts'

const capabilities = { systems: new Set(['x86_64-linux', 'aarch64-linux']), features: new Set<string>() }

function decideFor(graph: Graph, shells: EvaluatedShell[], held: Set<StorePath>) {
  return decide(
    graph,
    shells,
    new Map(),
    capabilities,
    async (paths) => new Set(paths.filter((path) => held.has(path))),
  )
}

/** The first wave for the package `app`: the names in each batch, in order. */
async function firstWave(sketches: Record<string, Sketch>, held: StorePath[] = []) {
  const shells = [{ attribute: 'packages.app', system: 'x86_64-linux', drvPath: drv('app') }]
  const { batches } = await decideFor(graphOf(sketches), shells, new Set(held))
  const names = new Map(Object.keys(sketches).map((name) => [drv(name), name]))
  return Object.fromEntries(
    [...batches].map(([system, list]) => [system, list.map(({ drvPath }) => names.get(drvPath))]),
  )
}

const ARM = { system: 'aarch64-linux' }

describe('one batch per system', () => {
  test.each<[string, Record<string, Sketch>, Record<string, string[]>]>([
    [
      'inputs before what needs them',
      {
        app: { needs: ['lib', 'tool'] },
        lib: { needs: ['libc'] },
        tool: { needs: ['libc', 'lib'] },
        libc: {},
      },
      { 'x86_64-linux': ['libc', 'lib', 'tool', 'app'] },
    ],
    [
      'what needs another system waits for it',
      { app: { needs: ['firmware', 'lib'] }, firmware: { ...ARM, needs: ['blob'] }, blob: ARM, lib: {} },
      { 'aarch64-linux': ['blob', 'firmware'], 'x86_64-linux': ['lib'] },
    ],
    [
      'and so does what needs what waits, also back on the first system',
      { app: { needs: ['b'] }, b: { ...ARM, needs: ['c'] }, c: {} },
      { 'x86_64-linux': ['c'] },
    ],
    [
      'what every system can do goes where its inputs are built',
      { app: { needs: ['fetch'] }, fetch: { system: 'builtin', needs: ['list'] }, list: ARM },
      { 'aarch64-linux': ['list', 'fetch'] },
    ],
    [
      'and to the first system when it has none',
      { app: { needs: ['fetch'] }, fetch: { system: 'builtin' } },
      { 'x86_64-linux': ['fetch', 'app'] },
    ],
    [
      'what cannot be built, and what needs it, is in none',
      { app: { needs: ['mac', 'lib'] }, mac: { system: 'aarch64-darwin' }, lib: {} },
      { 'x86_64-linux': ['lib'] },
    ],
    [
      'derivations in a circle, which Nix never makes, are in none',
      { app: { needs: ['b'] }, b: { needs: ['app'] } },
      {},
    ],
  ])('%s', async (_, sketches, expected) => {
    expect(await firstWave(sketches)).toEqual(expected)
  })

  test('what cannot be built is in none, also when something uses an output of it that a cache has', async () => {
    const sketches = {
      app: { needs: ['multi.doc', 'lib'] },
      lib: { needs: ['multi'] },
      multi: { outputs: ['out', 'doc'], features: ['kvm'] },
    }
    expect(await firstWave(sketches, [out('multi')])).toEqual({ 'x86_64-linux': ['lib'] })
  })

  test('a path that another derivation makes than the one that is named must be in a cache first', async () => {
    const source = storePath('source.tar.gz')
    const sketches = {
      app: { needs: ['fetch-one', 'lib'] },
      lib: { needs: ['fetch-two'] },
      'fetch-one': { paths: { out: source } },
      'fetch-two': { paths: { out: source } },
    }
    expect(await firstWave(sketches)).toEqual({ 'x86_64-linux': ['fetch-one'] })
    expect(await firstWave(sketches, [source])).toEqual({ 'x86_64-linux': ['lib', 'app'] })
  })
})

test('a batch says what its builder must have, and what it makes on the way', async () => {
  const graph = graphOf({
    app: { outputs: ['out', 'doc'], needs: ['lib', 'libc.dev', 'tool'] },
    lib: { needs: ['libc'] },
    libc: { outputs: ['out', 'dev'] },
    tool: ARM,
  })
  const shells = [{ attribute: 'packages.app', system: 'x86_64-linux', drvPath: drv('app') }]
  const held = new Set([out('libc'), out('libc', 'dev'), out('tool')])
  const { batches } = await decideFor(graph, shells, held)
  expect(batches.get('x86_64-linux')).toEqual([
    { drvPath: drv('lib'), outputs: { out: out('lib') }, inputs: [out('libc')], needs: [] },
    {
      drvPath: drv('app'),
      outputs: { out: out('app'), doc: out('app', 'doc') },
      inputs: [out('libc', 'dev'), out('tool')],
      needs: [drv('lib')],
    },
  ])
})

// Which paths the caches have: any share of all there are.
const anyWorld = fc.tuple(anyWanting, fc.infiniteStream(fc.boolean())).map(([wanting, coins]) => {
  const paths = Object.values(wanting.graph.derivations).flatMap(({ outputs }) => Object.values(outputs))
  return { ...wanting, held: new Set(paths.filter(() => coins.next().value === true)) }
})

async function decided({
  graph,
  shells,
  held,
}: {
  graph: Graph
  shells: EvaluatedShell[]
  held: Set<StorePath>
}) {
  return { graph, held, batches: [...(await decideFor(graph, shells, held)).batches] }
}

describe('of any graph, with anything in the caches', () => {
  test('no derivation is in two batches, or twice in one', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        const { batches } = await decided(world)
        const all = batches.flatMap(([, batch]) => batch.map(({ drvPath }) => drvPath))
        expect(new Set(all).size).toBe(all.length)
      }),
    )
  })

  test('no path is made twice on one system', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        const { graph, batches } = await decided(world)
        const made = batches.flatMap(([, batch]) =>
          batch.flatMap(({ drvPath, outputs }) =>
            Object.values(outputs).map((path) => `${graph.derivations[drvPath]?.system} ${path}`),
          ),
        )
        expect(new Set(made).size).toBe(made.length)
      }),
    )
  })

  test('a builder finds everything that it needs in the caches, or has made it before', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        const { graph, held, batches } = await decided(world)
        for (const [, batch] of batches) {
          const before = new Set<StorePath>()
          for (const { drvPath, inputs, needs } of batch) {
            expect(inputs.filter((path) => !held.has(path))).toEqual([])
            expect(needs.filter((need) => !before.has(need))).toEqual([])
            // the .drv file decides what Nix asks for: the very derivations that it names
            for (const [input, outputs] of Object.entries(derivationOf(graph, drvPath, '').inputDrvs))
              for (const output of outputs) {
                const path = derivationOf(graph, input as StorePath, '').outputs[output]
                expect(before.has(input as StorePath) || (path !== undefined && held.has(path))).toBe(true)
              }
            before.add(drvPath)
          }
        }
      }),
    )
  })

  test('a batch is built on a builder of its system', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        const { graph, batches } = await decided(world)
        for (const [system, batch] of batches)
          for (const { drvPath } of batch)
            expect([system, 'builtin']).toContain(derivationOf(graph, drvPath, '').system)
      }),
    )
  })
})
