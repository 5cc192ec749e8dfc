import { zstdCompressSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { openPathFacts } from '../../../../functions/shared/path-facts/path-facts.ts'
import { Buckets } from '../buckets.ts'

const NIXOS = 'https://cache.nixos.org'
const IOG = 'https://cache.iog.io'
const DAY = 86_400_000
/** a hash part that begins with a digit */
const hash = (digit: string, name: string): string => `${digit}${name.padEnd(31, '0')}`
const [A, B] = [hash('a', '1'), hash('b', '2')]

let buckets: Buckets
beforeEach(() => {
  buckets = new Buckets()
})
const open = (sources = [NIXOS, 'cache'], now = 0) =>
  openPathFacts(buckets.bucket('state'), sources, () => now)
const ofNixos = { asked: [NIXOS], fileSize: 7, references: [B, hash('c', '3')] }
const ofOurs = { asked: [NIXOS, 'cache'], fileSize: 9, references: [] }

async function remember(facts = open()): Promise<void> {
  await facts.load([A, B])
  facts.note(A, ofNixos)
  facts.note(B, ofOurs)
  await facts.save()
}
async function recall(sources: string[], now = 0) {
  const facts = open(sources, now)
  await facts.load([A, B])
  return { [A]: facts.known(A), [B]: facts.known(B) }
}

describe('what was learnt of a path', () => {
  test('is known to the next run, by its hash part', async () => {
    await remember()
    expect(await recall([NIXOS, 'cache'])).toEqual({
      [A]: { ...ofNixos, day: 0 },
      [B]: { ...ofOurs, day: 0 },
    })
    expect(buckets.keys('state')).toEqual(['path-facts/a.json.zst', 'path-facts/b.json.zst'])
  })
  test('is read once, and written only when something was learnt', async () => {
    await remember()
    const facts = open()
    await facts.load([A])
    await facts.load([A])
    await facts.save()
    expect(facts.requests()).toBe(1)
    expect(buckets.written).toHaveLength(2)
  })
  test('is asked again after a week: an upstream may have got what it lacked', async () => {
    await remember()
    const known = await recall([NIXOS, 'cache'], 7 * DAY - 1)
    expect(Object.values(known).map((fact) => fact?.fileSize)).toEqual([7, 9])
    expect(Object.values(await recall([NIXOS, 'cache'], 7 * DAY))).toEqual([undefined, undefined])
  })
  test.each([
    ['an upstream was added behind those that were asked', [NIXOS, IOG, 'cache'], [7, undefined]],
    ['an upstream was added before them', [IOG, NIXOS, 'cache'], [undefined, undefined]],
    ['the upstream was taken out', ['cache'], [undefined, undefined]],
  ])('holds while the same caches come first: %s', async (_, sources, sizes) => {
    await remember()
    expect(Object.values(await recall(sources)).map((fact) => fact?.fileSize)).toEqual(sizes)
  })
})

describe('runs that learn at the same time', () => {
  test('lose nothing of each other', async () => {
    const [one, other] = [open(), open()]
    await one.load([A])
    await other.load([A])
    one.note(A, ofNixos)
    other.note(hash('a', '4'), ofOurs)
    await Promise.all([one.save(), other.save()])
    const facts = open()
    await facts.load([A])
    expect([facts.known(A)?.fileSize, facts.known(hash('a', '4'))?.fileSize]).toEqual([7, 9])
  })
  test('give up when others are always first: the next run asks again', async () => {
    const facts = open()
    await facts.load([A])
    facts.note(A, ofNixos)
    let writes = 0
    buckets.before = (request) => {
      if (request.startsWith('Put'))
        buckets.put('state/path-facts/a.json.zst', `written by others ${writes++}`)
    }
    await facts.save()
    expect(writes).toBe(5)
    expect(buckets.text('state/path-facts/a.json.zst')).toBe('written by others 4')
  })
})

describe('what is stored', () => {
  test.each([
    ['damaged', Buffer.from('no zstd')],
    ['cut short', zstdCompressSync('{"version":1,"paths":{}}').subarray(0, 12)],
    ['no JSON', zstdCompressSync('{')],
    ['of another version', zstdCompressSync('{"version":2}')],
  ])('%s: is begun anew', async (_, bytes) => {
    buckets.put('state/path-facts/a.json.zst', bytes)
    await remember()
    expect((await recall([NIXOS, 'cache']))[A]).toMatchObject(ofNixos)
  })
  test('drops what has expired', async () => {
    await remember()
    const facts = open([NIXOS, 'cache'], 8 * DAY)
    await facts.load([A])
    facts.note(hash('a', '4'), ofOurs)
    await facts.save()
    // as seen on the day of the first
    expect((await recall([NIXOS, 'cache']))[A]).toBeUndefined()
  })
})
