import { beforeEach, describe, expect, test } from 'vitest'
import type { EvaluationJob } from '../../../functions/shared/contract.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { NothingToDraw, readRunTimes } from '../../../scripts/hearth/run/run-times.ts'
import { Buckets } from '../functions/buckets.ts'

const RUN = 'push-acme-1'
const at = (second: number): Date => new Date(Date.UTC(2026, 10, 22, 12, 0, second))
const BATCHES = ['1-x86_64-linux-1-1', '1-x86_64-linux-1-2']

let buckets: Buckets
const put = (key: string, content: object, second: number): void =>
  buckets.put(`state/${key}`, content, at(second))
const job: Partial<EvaluationJob> = {
  target: { repository: 'acme/shells', ref: 'refs/heads/main', commit: `0123abc${'4'.repeat(33)}` },
  started: at(1).toISOString(),
}

beforeEach(() => {
  buckets = new Buckets()
  put(stateKeys.job(RUN), job, 2)
  put(stateKeys.evaluation(RUN), {}, 4)
  for (let wave = 1; wave <= 11; wave++)
    put(stateKeys.plan(RUN, wave), { verdict: wave === 11 ? 'done' : 'build' }, 4 + wave)
  for (const batch of BATCHES)
    put(stateKeys.batch(RUN, batch), { kind: 'build', run: RUN, batch, derivations: [] }, 20)
  put(stateKeys.outcome(RUN, BATCHES[0] ?? ''), { derivations: [] }, 30)
})

describe('the times of a run', () => {
  test('are those at which it wrote things down', async () => {
    put(stateKeys.summary(RUN), {}, 40)
    const times = await readRunTimes(buckets.bucket('state'), RUN)
    expect(times).toMatchObject({
      run: RUN,
      target: 'acme/shells main 0123abc',
      started: at(1),
      ended: at(40),
      batches: [
        { taken: at(20), ended: at(30) },
        { taken: at(20), ended: undefined },
      ],
    })
    // in the order of the waves, of which the tenth comes after the second
    expect(times.plans.map(({ at }) => at.getUTCSeconds())).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    expect(times.plans.at(-1)?.verdict).toBe('done')
  })

  test('of one that goes on have no end', async () => {
    expect(await readRunTimes(buckets.bucket('state'), RUN)).toMatchObject({ ended: undefined })
  })

  test.each([
    ['is not there', 'push-acme-2'],
    ['has planned nothing', 'push-acme-3'],
  ])('of one that %s are none', async (_, run) => {
    put(stateKeys.job('push-acme-3'), job, 2)
    await expect(readRunTimes(buckets.bucket('state'), run)).rejects.toThrow(NothingToDraw)
  })
})
