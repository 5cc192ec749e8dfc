import { PutObjectCommand } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  claim,
  differencesTo,
  findStanding,
  isAtWork,
  renew,
  type Standing,
} from '../../../../functions/publish/write-once.ts'
import type { Published, PublishedPath } from '../../../../functions/shared/records.ts'
import { hashPartOf, type StorePath } from '../../../../nix/store-path.ts'
import { Buckets, refusal } from '../buckets.ts'
import { drv, out } from '../graphs.ts'

const MINUTE = 60_000
const hash = (digit: string) => `sha256:${digit.repeat(52)}`
const OUTPUTS = [out('app'), out('app', 'doc')]
// the first of its output paths
const KEY = `state/published/${hashPartOf(OUTPUTS.toSorted()[0] ?? out('app'))}.json`

const path = (storePath: StorePath, narHash: string): PublishedPath => ({
  storePath,
  narHash,
  narSize: 96,
  references: [],
  fileHash: narHash,
  fileSize: 80,
  etag: '"0"',
})

function record(build: string, digits: { out: string; doc: string }): Published {
  return {
    version: 1,
    drvPath: drv('app'),
    outputs: {
      out: path(out('app'), hash(digits.out)),
      doc: path(out('app', 'doc'), hash(digits.doc)),
    },
    sources: [],
    inputs: '0'.repeat(64),
    run: 'run-1',
    build,
    prefix: `staging/${build}/`,
    begun: '2026-01-01T00:00:00.000Z',
  }
}
const FIRST = record('builder:1', { out: '1', doc: '1' })
const SECOND = record('builder:2', { out: '2', doc: '2' })

let buckets: Buckets
beforeEach(() => {
  buckets = new Buckets()
})
const state = () => buckets.bucket('state')
async function standingAfter(minutes: number): Promise<Standing> {
  const found = await findStanding(state(), OUTPUTS, () => Date.now() + minutes * MINUTE)
  if (found === undefined) throw new Error('nothing stands')
  return found
}

describe('which build stands is written once', () => {
  test('by the first', async () => {
    expect(await findStanding(state(), OUTPUTS)).toBeUndefined()
    expect(await claim(state(), FIRST)).toBe(true)
    expect(buckets.json(KEY)).toEqual(FIRST)
    expect((await standingAfter(0)).record).toEqual(FIRST)
  })
  test('not by the next, whatever its bytes are', async () => {
    await claim(state(), FIRST)
    expect(await claim(state(), FIRST)).toBe(false)
    expect(await claim(state(), SECOND)).toBe(false)
    expect(buckets.json(KEY)).toEqual(FIRST)
  })
  test('under the same key, in whatever order the outputs are named', async () => {
    await claim(state(), FIRST)
    expect((await findStanding(state(), OUTPUTS.toReversed()))?.record).toEqual(FIRST)
  })
  test('of two that take its place at the same moment one does', async () => {
    await claim(state(), FIRST)
    const standing = await standingAfter(21)
    const third = record('builder:3', { out: '3', doc: '3' })
    const claims = await Promise.all([SECOND, third].map((each) => claim(state(), each, standing)))
    expect(claims.filter((isOurs) => isOurs)).toHaveLength(1)
    expect(buckets.json(KEY)).toEqual(claims[0] === true ? SECOND : third)
  })
})

describe('a publisher at work is not taken for dead', () => {
  // A Lambda lives 15 minutes at most.
  test.each([
    [0, true],
    [19, true],
    [21, false],
  ])('%i minutes after he began', async (minutes, expected) => {
    await claim(state(), FIRST)
    expect(isAtWork(await standingAfter(minutes))).toBe(expected)
  })
  test('one who goes on with a young record has time enough', async () => {
    await claim(state(), FIRST)
    expect(await renew(state(), await standingAfter(3))).toBe(true)
    expect(buckets.json(KEY)).toEqual(FIRST)
  })
  test('one who goes on with an old record says so first, and nobody replaces what he read', async () => {
    await claim(state(), FIRST)
    const other = await standingAfter(21)
    expect(await renew(state(), await standingAfter(21))).toBe(true)
    expect(buckets.json(KEY)).toEqual({
      ...FIRST,
      begun: expect.not.stringContaining('2026-01-01') as string,
    })
    expect(await claim(state(), SECOND, other)).toBe(false)
  })
  test('and he learns when somebody else has taken its place', async () => {
    await claim(state(), FIRST)
    const mine = await standingAfter(21)
    await claim(state(), SECOND, await standingAfter(21))
    expect(await renew(state(), mine)).toBe(false)
    expect(buckets.json(KEY)).toEqual(SECOND)
  })
})

describe('another build differs', () => {
  test.each([
    ['in nothing', { out: '1', doc: '1' }, []],
    ['in every output', { out: '2', doc: '2' }, [out('app'), out('app', 'doc')]],
    ['in its first output', { out: '2', doc: '1' }, [out('app')]],
    ['in its last output', { out: '1', doc: '2' }, [out('app', 'doc')]],
  ])('%s', (_, digits, differing) => {
    const built = Object.values(record('builder:2', digits).outputs)
    expect(differencesTo(FIRST, built)).toEqual(
      differing.map((storePath) => ({ storePath, published: hash('1'), built: hash('2') })),
    )
  })
  test('in an output that the one that stands does not have', () => {
    const built = [path(out('app', 'dev'), hash('1'))]
    expect(differencesTo(FIRST, built)).toEqual([
      { storePath: out('app', 'dev'), published: 'nothing', built: hash('1') },
    ])
  })
})

test('while somebody else writes the record, nobody has claimed it', async () => {
  buckets.mock.on(PutObjectCommand).rejectsOnce(refusal(409, 'ConditionalRequestConflict'))
  expect(await claim(state(), FIRST)).toBe(false)
})
test('any other refusal is an error', async () => {
  buckets.mock.on(PutObjectCommand).rejects(refusal(403, 'AccessDenied'))
  await expect(claim(state(), FIRST)).rejects.toThrow('AccessDenied')
})
