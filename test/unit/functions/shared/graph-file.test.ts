import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Graph, GraphDerivation } from '../../../../functions/shared/contract.ts'
import { formatGraph, packGraph, unpackGraph } from '../../../../functions/shared/graph-file.ts'
import type { StorePath } from '../../../../nix/store-path.ts'
import { drv, out } from '../graphs.ts'

const usual: GraphDerivation = {
  name: 'app',
  system: 'x86_64-linux',
  outputs: { out: out('app') },
  inputDrvs: {},
  inputSrcs: [],
  requiredSystemFeatures: [],
  allowSubstitutes: true,
}
const source = '/nix/store/00000000000000000000000000000000-source' as StorePath
const graphWith = (derivations: Record<StorePath, GraphDerivation>): Graph => ({
  version: 1,
  derivations,
  sources: {},
})
/** As whoever reads it sees it: what is looked up when it is asked for, too. */
const seen = (graph: Graph): unknown => JSON.parse(JSON.stringify(graph))
const again = async (graph: Graph): Promise<Graph> => unpackGraph(await packGraph(graph))

describe('a graph is read as it was written', () => {
  const fixedOutput = { algorithm: 'sha256', hash: '0'.repeat(64), method: 'flat' } as const
  test.each<[string, Record<StorePath, GraphDerivation>]>([
    ['nothing', {}],
    ['a derivation alone', { [drv('app')]: usual }],
    [
      'one that needs others, and some outputs of them',
      {
        [drv('app')]: {
          ...usual,
          inputDrvs: { [drv('lib')]: ['out'], [drv('doc')]: ['man', 'out'], [drv('dev')]: ['dev'] },
        },
        [drv('lib')]: { ...usual, name: 'lib' },
      },
    ],
    ['one that the graph lacks', { [drv('app')]: { ...usual, inputDrvs: { [drv('gone')]: ['out'] } } }],
    ['a name that is not its path’s', { [drv('app')]: { ...usual, name: 'other' } }],
    [
      'sources and features',
      { [drv('app')]: { ...usual, inputSrcs: [source], requiredSystemFeatures: ['kvm'] } },
    ],
    ['one that clients build themselves', { [drv('app')]: { ...usual, allowSubstitutes: false } }],
    ['a fixed output', { [drv('app')]: { ...usual, fixedOutput } }],
    [
      'what cannot be built',
      { [drv('app')]: { ...usual, outputs: {}, unsupported: 'it is unsupported: impure' } },
    ],
  ])('%s', async (_, derivations) => {
    expect(seen(await again(graphWith(derivations)))).toEqual(graphWith(derivations))
  })

  test('any graph, whatever its names are', async () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '_', '1'), minLength: 1, maxLength: 3 })
    const derivation = fc.record({
      needs: fc.dictionary(name, fc.array(name, { minLength: 1 })),
      features: fc.array(name),
    })
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, derivation), async (described) => {
        const graph = graphWith(
          Object.fromEntries(
            Object.entries(described).map(([own, { needs, features }]) => {
              const inputDrvs = Object.fromEntries(
                Object.entries(needs).map(([need, names]) => [drv(need), names]),
              )
              return [drv(own), { ...usual, name: own, inputDrvs, requiredSystemFeatures: features }]
            }),
          ),
        )
        expect(seen(await again(graph))).toEqual(graph)
      }),
    )
  })

  test('inputs are the same object each time, and a copy of a derivation says what it is', async () => {
    const graph = await again(graphWith({ [drv('app')]: { ...usual, inputDrvs: { [drv('lib')]: ['out'] } } }))
    const app = graph.derivations[drv('app')]
    expect(app?.inputDrvs).toBe(app?.inputDrvs)
    expect({ ...app }).toMatchObject({ name: 'app', system: 'x86_64-linux', outputs: { out: out('app') } })
  })
})

test('a derivation is named once in it, however many need it', () => {
  const inputDrvs = { [drv('lib')]: ['out'] }
  const graph = graphWith({
    [drv('lib')]: usual,
    [drv('a')]: { ...usual, inputDrvs },
    [drv('b')]: { ...usual, inputDrvs },
  })
  expect(formatGraph(graph).split(drv('lib'))).toHaveLength(2)
})

test('a graph of another version is refused by name', async () => {
  const text = zstdDecompressSync(await packGraph(graphWith({}))).toString()
  const other = zstdCompressSync(text.replace('"version":2', '"version":1'))
  await expect(unpackGraph(other)).rejects.toMatchObject({
    name: 'GraphOfAnotherVersion',
    message: expect.stringContaining('start the run again') as string,
  })
})
