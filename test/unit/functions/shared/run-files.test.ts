import { zstdCompressSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { readGraph } from '../../../../functions/shared/graph.ts'
import { readBatches, readPlans } from '../../../../functions/shared/run-files.ts'
import { Buckets } from '../buckets.ts'
import { graphOf } from '../graphs.ts'

let buckets: Buckets
beforeEach(() => {
  buckets = new Buckets()
})
const state = () => buckets.bucket('state')

describe('the plans of a run', () => {
  const put = (...waves: number[]) => {
    for (const wave of waves)
      buckets.put(`state/runs/r/plans/${wave}.json`, {
        run: 'r',
        wave,
        batches:
          wave === 3 ? [] : [{ system: 'x86_64-linux', job: `runs/r/batches/${wave}-x86_64-linux.json` }],
      })
  }
  const waves = async (upTo?: number) => (await readPlans(state(), 'r', upTo)).map(({ wave }) => wave)

  test.each<[string, number[], number | undefined, number[]]>([
    ['none yet', [], undefined, []],
    ['as many as there are', [1, 2, 3], undefined, [1, 2, 3]],
    ['up to a wave', [1, 2, 3], 2, [1, 2]],
    ['before the first', [1], 0, []],
    ['up to the first that is not there', [1, 3], undefined, [1]],
  ])('%s', async (_, there, upTo, expected) => {
    put(...there)
    expect(await waves(upTo)).toEqual(expected)
  })

  test('their batches, with what was said of them', async () => {
    put(1, 2, 3)
    for (const wave of [1, 2]) buckets.put(`state/runs/r/batches/${wave}-x86_64-linux.json`, { wave })
    buckets.put('state/runs/r/outcomes/1-x86_64-linux.json', { derivations: [] })
    expect(await readBatches(state(), await readPlans(state(), 'r'))).toEqual([
      { job: { wave: 1 }, outcome: { derivations: [] } },
      { job: { wave: 2 }, outcome: undefined },
    ])
  })
})

describe('the graph of a run', () => {
  test('as the evaluator compressed it', async () => {
    const graph = graphOf({ app: { needs: ['lib'] }, lib: {} })
    buckets.put('state/runs/r/graph.json.zst', zstdCompressSync(JSON.stringify(graph)))
    expect(await readGraph(state(), 'r')).toEqual(graph)
  })
  test('must be there', async () => {
    await expect(readGraph(state(), 'r')).rejects.toMatchObject({
      name: 'GraphLost',
      message: 'the run r has no graph',
    })
  })
})
