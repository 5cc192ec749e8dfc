import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BatchReport } from '../../../builders/batch/batch-report.ts'
import { parseStorePath } from '../../../nix/store-path.ts'
import { Buckets } from '../functions/buckets.ts'

const PREFIX = 'staging/AROA:build/run/batch/'
const [a, b] = [
  parseStorePath(`/nix/store/${'a'.repeat(32)}-a.drv`),
  parseStorePath(`/nix/store/${'b'.repeat(32)}-b.drv`),
]
let buckets: Buckets
let report: BatchReport
beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-22T10:00:00Z') })
  buckets = new Buckets()
  report = new BatchReport({ s3: buckets.bucket('staging').s3, bucket: 'staging', prefix: PREFIX }, () => {})
})
afterEach(() => {
  report.close()
  vi.useRealTimers()
})
const pass = async (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000)
const said = () =>
  buckets.written.map((key): unknown => JSON.parse(buckets.objects.get(key)?.bytes.toString() ?? ''))

test('says what is done with each derivation, in a new object each time', async () => {
  report.building(a)
  report.building(b)
  await pass(15)
  report.uploading(a)
  await pass(15)
  report.staged(a)
  await pass(15)
  const since = '2026-11-22T10:00:00.000Z'
  const onlyB = { version: 1, building: [b], since: { [b]: since } }
  expect(buckets.written).toEqual([0, 1, 2].map((number) => `staging/${PREFIX}progress/${number}.json`))
  expect(said()).toEqual([
    { version: 1, building: [a, b], since: { [a]: since, [b]: since }, uploading: [], staged: [] },
    { ...onlyB, uploading: [a], staged: [] },
    { ...onlyB, uploading: [], staged: [a] },
  ])
})

test('says nothing when nothing has changed, or when it is over', async () => {
  await pass(60)
  expect(buckets.written).toEqual([])
  report.building(a)
  await pass(600)
  expect(buckets.written).toHaveLength(1)
  report.staged(a)
  report.close()
  await pass(60)
  expect(buckets.written).toHaveLength(1)
})
