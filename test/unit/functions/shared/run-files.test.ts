import { zstdCompressSync } from 'node:zlib'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import { readGraph } from '../../../../functions/shared/graph.ts'
import { stateKeys } from '../../../../functions/shared/keys.ts'
import { isFinished, readBatches, readPlans } from '../../../../functions/shared/run-files.ts'
import { batchDerivation, became, jobOf, outcomeOf } from '../batches.ts'
import { formatGraph } from '../../../../functions/shared/graph-file.ts'
import { Buckets } from '../buckets.ts'
import { drv, graphOf } from '../graphs.ts'

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
})

describe('the batches of a run, with what was said of them', () => {
  /** @param second when its lane took it */
  const batch = (run: string, id: string, second = 0) => {
    const job = jobOf(run, id, [batchDerivation('app')])
    buckets.put(`state/${stateKeys.batch(run, id)}`, job, new Date(second * 1000))
    return job
  }
  const outcome = (run: string, id: string, ...said: Parameters<typeof became>[1][]) => {
    const written = outcomeOf(
      run,
      id,
      said.map((what) => became(drv('app'), what)),
    )
    buckets.put(`state/${stateKeys.outcome(run, id)}`, written)
    return written
  }

  test('in the order of their waves, and of each wave as they were taken, whatever their numbers are in their lanes', async () => {
    const ids = [
      '1-x86_64-linux-1-2',
      '1-x86_64-linux-1-10',
      '1-x86_64-linux-2-1',
      '2-aarch64-linux-1-1',
      '10-x86_64-linux-1-1',
    ]
    // S3 tells seconds: within one a lane's numbers tell
    const taken = [5, 5, 6, 0, 0]
    for (const [index, id] of [...ids.entries()].toReversed()) batch('r1', id, taken[index])
    expect((await readBatches(state(), 'r1')).map(({ job }) => job.batch)).toEqual(ids)
  })

  test('those of another run whose name begins alike are not among them', async () => {
    batch('r2', '1-x86_64-linux-1-1')
    batch('r2-b', '1-x86_64-linux-1-1')
    expect(await readBatches(state(), 'r2')).toHaveLength(1)
  })

  test('what changed is read again, and only that', async () => {
    const first = batch('r3', '1-x86_64-linux-1-1')
    const second = batch('r3', '1-x86_64-linux-2-1')
    outcome('r3', '1-x86_64-linux-2-1')
    await readBatches(state(), 'r3')
    const said = outcome('r3', '1-x86_64-linux-2-1', 'published')
    buckets.mock.resetHistory()
    expect(await readBatches(state(), 'r3')).toEqual([
      { job: first, outcome: undefined },
      { job: second, outcome: said },
    ])
    const read = buckets.mock.commandCalls(GetObjectCommand).map(({ args: [{ input }] }) => input.Key)
    expect(read).toEqual(['runs/r3/outcomes/1-x86_64-linux-2-1.json'])
  })

  test.each<[string, Parameters<typeof became>[1][], boolean]>([
    ['has not, before Publish has said anything of it', [], false],
    ['has, when it has said something of every derivation', ['lost'], true],
  ])('Publish has finished with a batch: it %s', (_, said, expected) => {
    const id = '1-x86_64-linux-1-1'
    expect(isFinished({ job: batch('r4', id), outcome: outcome('r4', id, ...said) })).toBe(expected)
  })

  test('nobody has finished with a batch of which nobody has said anything', () => {
    expect(isFinished({ job: batch('r5', '1-x86_64-linux-1-1'), outcome: undefined })).toBe(false)
  })
})

describe('the graph of a run', () => {
  test('as the evaluator compressed it', async () => {
    const graph = graphOf({ app: { needs: ['lib'] }, lib: {} })
    buckets.put('state/runs/r/graph.json.zst', zstdCompressSync(formatGraph(graph)))
    expect(JSON.parse(JSON.stringify(await readGraph(state(), 'r')))).toEqual(graph)
  })
  test('must be there', async () => {
    await expect(readGraph(state(), 'r')).rejects.toMatchObject({
      name: 'GraphLost',
      message: 'the run r has no graph',
    })
  })
})
