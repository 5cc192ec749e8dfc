import { PutObjectCommand } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import { claimPublication } from '../../../../functions/publish/write-once.ts'
import type { Published } from '../../../../functions/shared/records.ts'
import { hashPartOf } from '../../../../nix/store-path.ts'
import { Buckets, refusal } from '../buckets.ts'
import { drv, out } from '../graphs.ts'

const MINUTE = 60_000
const hash = (digit: string) => `sha256:${digit.repeat(52)}`
// the first of its output paths
const KEY = `state/published/${hashPartOf([out('app'), out('app', 'doc')].toSorted()[0] ?? out('app'))}.json`

function record(build: string, digits: { out: string; doc: string }): Published {
  return {
    version: 1,
    drvPath: drv('app'),
    outputs: {
      out: { storePath: out('app'), narHash: hash(digits.out) },
      doc: { storePath: out('app', 'doc'), narHash: hash(digits.doc) },
    },
    run: 'run-1',
    build,
  }
}
const FIRST = record('builder:1', { out: '1', doc: '1' })

let buckets: Buckets
let isVisible = false
let later = 0
beforeEach(() => {
  buckets = new Buckets()
  isVisible = false
  later = 0
})
const claim = (claimed: Published) =>
  claimPublication(
    buckets.bucket('state'),
    claimed,
    async () => isVisible,
    () => Date.now() + later,
  )

test('the first build of a derivation stands', async () => {
  expect(await claim(FIRST)).toBe('ours')
  expect(buckets.json(KEY)).toEqual(FIRST)
})

describe('after the first', () => {
  beforeEach(() => {
    buckets.put(KEY, FIRST)
  })

  test('the same build, run again, stands', async () => {
    expect(await claim(FIRST)).toBe('ours')
  })
  test('another build with the same bytes is identical', async () => {
    expect(await claim(record('builder:2', { out: '1', doc: '1' }))).toBe('identical')
    expect(buckets.json(KEY)).toEqual(FIRST)
  })
  test('another derivation that owns the same paths is identical, too', async () => {
    const other = { ...record('builder:2', { out: '1', doc: '1' }), drvPath: drv('app-fetched-otherwise') }
    expect(await claim(other)).toBe('identical')
  })
  test.each([
    ['in every output', { out: '2', doc: '2' }, out('app')],
    ['in its first output', { out: '2', doc: '1' }, out('app')],
    ['in its last output', { out: '1', doc: '2' }, out('app', 'doc')],
  ])('another build that differs %s is discarded', async (_, digits, path) => {
    await expect(claim(record('builder:2', digits))).rejects.toMatchObject({
      name: 'NotReproducible',
      retryable: true,
      message: `${path} is published with ${hash('1')}, and this build of it has ${hash('2')}: the published one stands`,
    })
    expect(buckets.json(KEY)).toEqual(FIRST)
  })
})

describe('a publisher that died before anything was visible does not stand in the way for ever', () => {
  const SECOND = record('builder:2', { out: '2', doc: '2' })
  // A Lambda lives 15 minutes at most.
  test.each([
    ['it may still be at work', 19, false, 'NotReproducible'],
    ['it died', 21, false, 'ours'],
    ['it died, but something of it is visible', 21, true, 'NotReproducible'],
  ])('%s', async (_, minutes, visible, expected) => {
    buckets.put(KEY, FIRST)
    later = minutes * MINUTE
    isVisible = visible
    const claimed = await claim(SECOND).catch((error: unknown) => (error as Error).name)
    expect(claimed).toBe(expected)
    expect(buckets.json(KEY)).toEqual(expected === 'ours' ? SECOND : FIRST)
  })

  test('of two that take its place one does', async () => {
    buckets.put(KEY, FIRST)
    later = 21 * MINUTE
    const third = record('builder:3', { out: '3', doc: '3' })
    const claimed = await Promise.all(
      [SECOND, third].map((each) => claim(each).catch((error: unknown) => (error as Error).name)),
    )
    expect(claimed.toSorted()).toEqual(['NotReproducible', 'ours'])
    expect(buckets.json(KEY)).toEqual(claimed[0] === 'ours' ? SECOND : third)
  })
})

describe('when S3 says that somebody else is writing at this moment', () => {
  test('the next look decides', async () => {
    buckets.mock.on(PutObjectCommand).rejectsOnce(refusal(409, 'ConditionalRequestConflict'))
    buckets.put(KEY, FIRST)
    expect(await claim(record('builder:2', { out: '1', doc: '1' }))).toBe('identical')
  })
  test('any other refusal is an error', async () => {
    buckets.mock.on(PutObjectCommand).rejects(refusal(403, 'AccessDenied'))
    await expect(claim(FIRST)).rejects.toThrow('AccessDenied')
  })
})
