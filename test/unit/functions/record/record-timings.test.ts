import { PutObjectCommand } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import { recordTimings } from '../../../../functions/record/record-timings.ts'
import type { Sample } from '../../../../functions/record/timings.ts'
import type { Timings } from '../../../../functions/shared/records.ts'
import { Buckets, refusal } from '../buckets.ts'
import { drv } from '../graphs.ts'

let buckets: Buckets
beforeEach(() => {
  buckets = new Buckets()
})
const sample = (version: number): Sample => ({
  drvPath: drv(`ghc-9.${version}`),
  system: 'x86_64-linux',
  seconds: version,
})
const record = (...versions: number[]): Promise<boolean> =>
  recordTimings(buckets.bucket('state'), 'ghc', versions.map(sample))
const recorded = (): number[] =>
  ((buckets.json('state/timings/ghc.json') ?? { samples: [] }) as Timings).samples.map(
    ({ seconds }) => seconds,
  )

describe('two runs record at once', () => {
  test.each([
    ['of a package that was never built', []],
    ['of a package that was built before', [9]],
  ])('%s, and no sample is lost', async (_, before) => {
    if (before.length > 0) await record(...before)
    expect(await Promise.all([record(1, 2), record(3)])).toEqual([true, true])
    expect(recorded().toSorted((a, b) => a - b)).toEqual([1, 2, 3, ...before])
  })

  test('each of them twice, as a state that is tried again: still once each', async () => {
    await Promise.all([record(1), record(1), record(2), record(2)])
    expect(recorded().toSorted((a, b) => a - b)).toEqual([1, 2])
  })
})

test('so do eight', async () => {
  const runs = [1, 2, 3, 4, 5, 6, 7, 8]
  await Promise.all(runs.map((run) => record(run)))
  expect(recorded().toSorted((a, b) => a - b)).toEqual(runs)
})

test('who loses every time gives up, and says so', async () => {
  buckets.mock.on(PutObjectCommand).callsFake(() => {
    throw refusal(412, 'PreconditionFailed')
  })
  expect(await record(1)).toBe(false)
})

test('what breaks is no lost race', async () => {
  buckets.mock.on(PutObjectCommand).callsFake(() => {
    throw refusal(503, 'SlowDown')
  })
  await expect(record(1)).rejects.toMatchObject({ name: 'SlowDown' })
})
