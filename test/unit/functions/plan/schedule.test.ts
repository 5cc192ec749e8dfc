import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide } from '../../../../functions/plan/decide.ts'
import type { Knowledge } from '../../../../functions/plan/knowledge.ts'
import type { EvaluatedShell, Graph } from '../../../../functions/shared/contract.ts'
import { derivationOf } from '../../../../functions/shared/graph.ts'
import type { StorePath } from '../../../../nix/store-path.ts'
import { drv, graphOf, out, type Sketch, storePath } from '../graphs.ts'
import { anyWanting } from './random-graph.ts'

const knowledge: Knowledge = {
  failures: new Map(),
  capabilities: new Map([
    ['x86_64-linux', new Set<string>()],
    ['aarch64-linux', new Set<string>()],
  ]),
  secondsOf: () => 10,
}

function decideFor(graph: Graph, shells: EvaluatedShell[], held: Set<StorePath>) {
  return decide(graph, shells, knowledge, async (paths) => new Set(paths.filter((path) => held.has(path))))
}

/** The schedule for the package `app`: what is built where, in order; after a bar what must be published first. */
async function scheduled(sketches: Record<string, Sketch>, held: StorePath[] = []) {
  const shells = [{ attribute: 'packages.app', system: 'x86_64-linux', drvPath: drv('app') }]
  const { schedule } = await decideFor(graphOf(sketches), shells, new Set(held))
  const names = new Map<StorePath, string>(Object.keys(sketches).map((name) => [drv(name), name]))
  const nameOf = (at: number): string => names.get(schedule[at]?.drvPath ?? drv('')) ?? ''
  return schedule.map(({ system, needsPublished }, at) => {
    const first = needsPublished.map(nameOf).join(', ')
    return `${system === 'x86_64-linux' ? '' : `${system}: `}${nameOf(at)}${first === '' ? '' : ` | ${first}`}`
  })
}

const ARM = { system: 'aarch64-linux' }

describe('everything that is missing and can be built', () => {
  test.each<[string, Record<string, Sketch>, string[]]>([
    [
      'inputs before what needs them',
      {
        app: { needs: ['lib', 'tool'] },
        lib: { needs: ['libc'] },
        tool: { needs: ['libc', 'lib'] },
        libc: {},
      },
      ['libc', 'lib', 'tool', 'app'],
    ],
    [
      'what needs another system waits until that is published',
      { app: { needs: ['firmware', 'lib'] }, firmware: { ...ARM, needs: ['blob'] }, blob: ARM, lib: {} },
      ['aarch64-linux: blob', 'aarch64-linux: firmware', 'lib', 'app | firmware'],
    ],
    [
      'and so does what needs what waits, also back on the first system',
      { app: { needs: ['b'] }, b: { ...ARM, needs: ['c'] }, c: {} },
      ['c', 'aarch64-linux: b | c', 'app | b'],
    ],
    [
      'what every system can do goes where its inputs are built',
      { app: { needs: ['fetch'] }, fetch: { system: 'builtin', needs: ['list'] }, list: ARM },
      ['aarch64-linux: list', 'aarch64-linux: fetch', 'app | fetch'],
    ],
    [
      'and to the first system when it has none',
      { app: { needs: ['fetch'] }, fetch: { system: 'builtin' } },
      ['fetch', 'app'],
    ],
    [
      'what cannot be built, and what needs it, is left out',
      { app: { needs: ['mac', 'lib'] }, mac: { system: 'aarch64-darwin' }, lib: {} },
      ['lib'],
    ],
    [
      'derivations in a circle, which Nix never makes, are left out',
      { app: { needs: ['b'] }, b: { needs: ['app'] } },
      [],
    ],
  ])('%s', async (_, sketches, expected) => {
    expect(await scheduled(sketches)).toEqual(expected)
  })

  test('what every system can do goes to no system whose machines the run has waited for in vain', async () => {
    const capabilities = new Map<string, Set<string> | string>([
      ['aarch64-darwin', 'no machine for aarch64-darwin came within 24 h'],
      ['aarch64-linux', new Set()],
    ])
    const shells = [{ attribute: 'packages.app', system: 'aarch64-darwin', drvPath: drv('app') }]
    const graph = graphOf({ app: { system: 'builtin' } })
    const { schedule } = await decide(graph, shells, { ...knowledge, capabilities }, async () => new Set())
    expect(schedule.map(({ system }) => system)).toEqual(['aarch64-linux'])
  })

  test('what every system can do is left out when there is no machine at all', async () => {
    const capabilities = new Map([['aarch64-darwin', 'no machine for aarch64-darwin came within 24 h']])
    const shells = [{ attribute: 'packages.app', system: 'aarch64-darwin', drvPath: drv('app') }]
    const graph = graphOf({ app: { system: 'builtin' } })
    const decision = await decide(graph, shells, { ...knowledge, capabilities }, async () => new Set())
    expect(decision).toMatchObject({ verdict: 'stuck', schedule: [] })
  })

  test('what cannot be built is left out, also when something uses an output of it that a cache has', async () => {
    const sketches = {
      app: { needs: ['multi.doc', 'lib'] },
      lib: { needs: ['multi'] },
      multi: { outputs: ['out', 'doc'], features: ['kvm'] },
    }
    expect(await scheduled(sketches, [out('multi')])).toEqual(['lib'])
  })

  test('a path that another derivation makes than the one that is named must be in a cache first', async () => {
    const source = storePath('source.tar.gz')
    const sketches = {
      app: { needs: ['fetch-one', 'lib'] },
      lib: { needs: ['fetch-two'] },
      'fetch-one': { paths: { out: source } },
      'fetch-two': { paths: { out: source } },
    }
    expect(await scheduled(sketches)).toEqual(['fetch-one', 'lib | fetch-one', 'app'])
    expect(await scheduled(sketches, [source])).toEqual(['lib', 'app'])
  })
})

test('a schedule says what a builder must have, what is made on the way, and how long it may take', async () => {
  const graph = graphOf({
    app: { outputs: ['out', 'doc'], needs: ['lib', 'libc.dev', 'tool'] },
    lib: { needs: ['libc'] },
    libc: { outputs: ['out', 'dev'] },
    tool: ARM,
  })
  const shells = [{ attribute: 'packages.app', system: 'x86_64-linux', drvPath: drv('app') }]
  const held = new Set([out('libc'), out('libc', 'dev'), out('tool')])
  const { schedule } = await decideFor(graph, shells, held)
  const alike = { system: 'x86_64-linux', needsPublished: [], seconds: 10 }
  expect(schedule).toEqual([
    { ...alike, drvPath: drv('lib'), outputs: { out: out('lib') }, inputs: [out('libc')], needs: [] },
    {
      ...alike,
      drvPath: drv('app'),
      outputs: { out: out('app'), doc: out('app', 'doc') },
      inputs: [out('libc', 'dev'), out('tool')],
      needs: [0],
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
  return { graph, held, schedule: (await decideFor(graph, shells, held)).schedule }
}

describe('of any graph, with anything in the caches', () => {
  test('no derivation is scheduled twice', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        const { schedule } = await decided(world)
        expect(new Set(schedule.map(({ drvPath }) => drvPath)).size).toBe(schedule.length)
      }),
    )
  })

  test('no path is made twice on one system', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        const { graph, schedule } = await decided(world)
        const made = schedule.flatMap(({ drvPath, outputs }) =>
          Object.values(outputs).map((path) => `${graph.derivations[drvPath]?.system} ${path}`),
        )
        expect(new Set(made).size).toBe(made.length)
      }),
    )
  })

  test('a builder finds everything that it needs in the caches, or it is made before, for the very derivation that it names or published', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        const { graph, held, schedule } = await decided(world)
        for (const [at, { drvPath, system, inputs, needs, needsPublished }] of schedule.entries()) {
          expect(inputs.filter((path) => !held.has(path))).toEqual([])
          expect(needs.filter((need) => need >= at)).toEqual([])
          expect(needsPublished.filter((need) => !needs.includes(need))).toEqual([])
          const inBatch = needs.filter((need) => !needsPublished.includes(need))
          const beside = new Set(inBatch.map((need) => schedule[need]?.drvPath))
          const published = new Set(
            needsPublished.flatMap((need) => Object.values(schedule[need]?.outputs ?? {})),
          )
          for (const need of inBatch) expect(schedule[need]?.system).toBe(system)
          // the .drv file decides what Nix asks for: the very derivations that it names
          for (const [input, outputs] of Object.entries(derivationOf(graph, drvPath, '').inputDrvs))
            for (const output of outputs) {
              const path = derivationOf(graph, input as StorePath, '').outputs[output]
              const isThere = path !== undefined && (held.has(path) || published.has(path))
              expect(beside.has(input as StorePath) || isThere).toBe(true)
            }
        }
      }),
    )
  })

  test('a derivation is built on a builder of its system', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        const { graph, schedule } = await decided(world)
        for (const { drvPath, system } of schedule) {
          expect([system, 'builtin']).toContain(derivationOf(graph, drvPath, '').system)
          expect([...knowledge.capabilities.keys()]).toContain(system)
        }
      }),
    )
  })
})
