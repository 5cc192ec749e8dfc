import { beforeEach, describe, expect, test } from 'vitest'
import { openSources } from '../../../../functions/record/ask-sources.ts'
import { learnClosures } from '../../../../functions/record/learn-closures.ts'
import { openPathFacts } from '../../../../functions/shared/path-facts/path-facts.ts'
import { Buckets, refusal } from '../buckets.ts'
import { hash, narinfo, signedUpstream as upstream } from './signed-upstream.ts'

let buckets: Buckets
let warnings: string[]
beforeEach(() => {
  buckets = new Buckets()
  warnings = []
})

const ours = (name: string, text: string): void => buckets.put(`cache/${hash(name)}.narinfo`, text)

async function learn(
  roots: string[],
  upstreams: { url: string; publicKeys: string[] }[],
  { built = [], isTimeUp = () => false }: { built?: string[]; isTimeUp?: () => boolean } = {},
) {
  const sources = openSources(buckets.bucket('cache'), upstreams, (message) => warnings.push(message))
  const facts = openPathFacts(buckets.bucket('state'), sources.order)
  const isBuilt = (hashPart: string): boolean => built.some((name) => hash(name) === hashPart)
  const asking = { wasBuilt: isBuilt, began: Date.parse('2026-03-12T10:00:00Z'), isTimeUp }
  const lesson = await learnClosures(roots.map(hash), facts, sources, asking)
  await facts.save()
  return {
    ...lesson,
    where: (name: string) => facts.known(hash(name))?.asked.at(-1),
    facts: (name: string) => facts.known(hash(name)),
    requests: sources.requests(),
  }
}

describe('a closure', () => {
  test('is followed through all caches, upstreams before ours', async () => {
    const one = await upstream({ lib: narinfo('lib', ['glibc']) })
    const two = await upstream({ glibc: narinfo('glibc', ['glibc'], 77), lib: narinfo('lib') })
    ours('app', narinfo('app', ['app', 'lib', 'own']))
    ours('own', narinfo('own', ['glibc']))
    ours('lib', narinfo('lib'))
    const learnt = await learn(['app'], [one, two])
    expect(['app', 'own', 'lib', 'glibc'].map(learnt.where)).toEqual(['cache', 'cache', one.url, two.url])
    expect(learnt.facts('glibc')).toMatchObject({ fileSize: 77, references: [] })
    expect(learnt.facts('app')?.references.toSorted()).toEqual([hash('lib'), hash('own')].toSorted())
    expect(learnt).toMatchObject({ missing: new Set(), unknown: 0 })
  })
  test('costs no request the second time', async () => {
    const one = await upstream({ lib: narinfo('lib', ['glibc']), glibc: narinfo('glibc') })
    ours('app', narinfo('app', ['lib']))
    await learn(['app'], [one])
    const asked = one.asked.length
    const again = await learn(['app', 'lib'], [one])
    expect([again.requests, one.asked.length]).toEqual([0, asked])
    expect(again.where('glibc')).toBe(one.url)
  })
  test('what this run built is asked of our cache alone: Plan has asked the upstreams', async () => {
    const one = await upstream({})
    ours('app', narinfo('app'))
    const learnt = await learn(['app'], [one], { built: ['app'] })
    expect(one.asked).toEqual([])
    expect(learnt.facts('app')?.asked).toEqual([one.url, 'cache'])
  })
})

test('what our cache shows since the run began is told apart', async () => {
  buckets.clock = () => new Date('2026-03-12T09:59:59Z')
  ours('old', narinfo('old'))
  buckets.clock = () => new Date('2026-03-12T10:00:00Z')
  ours('new', narinfo('new'))
  expect((await learn(['old', 'new'], [])).fresh).toEqual(new Set([hash('new')]))
})

describe('what counts as nowhere', () => {
  test.each([
    ['a narinfo without a declared signature', narinfo('lib').replace(/^Sig: .*\n/m, '')],
    ['a narinfo of another path', narinfo('other')],
    ['404', 404],
    ['403, which S3 says to who may not list', 403],
  ])('%s', async (_, answer) => {
    const learnt = await learn(['lib'], [await upstream({ lib: answer })])
    expect(learnt.missing).toEqual(new Set([hash('lib')]))
    expect(learnt.unknown).toBe(0)
  })
  test('is asked again by the next run', async () => {
    const one = await upstream({})
    await learn(['lib'], [one])
    ours('lib', narinfo('lib'))
    expect((await learn(['lib'], [one])).where('lib')).toBe('cache')
  })
})

describe('what nobody can say', () => {
  test('is what a cache does not answer that a client would ask first, whatever ours has', async () => {
    ours('lib', narinfo('lib', ['glibc']))
    const learnt = await learn(['lib'], [await upstream({ lib: 503 })])
    expect(learnt).toMatchObject({ unknown: 1, missing: new Set() })
    expect(warnings).toEqual([expect.stringContaining('status 503')])
    expect(buckets.keys('state')).toEqual([])
  })
  test('a page in place of a narinfo is no answer', async () => {
    const learnt = await learn(['lib'], [await upstream({ lib: '<html>\n' })])
    expect(learnt.unknown).toBe(1)
  })
  test('an upstream that does not answer for three paths is not asked any more', async () => {
    const names = Array.from({ length: 200 }, (_, number) => `lib-${number}`)
    const one = await upstream(Object.fromEntries(names.map((name) => [name, 500])))
    const learnt = await learn(names, [one])
    expect(learnt.unknown).toBe(200)
    // 64 at once, and one more when the first has failed, and when the second has
    expect(new Set(one.asked).size).toBeLessThanOrEqual(66)
    expect(warnings).toHaveLength(3)
  })
  test('what is left when the time is up; the next run goes on from there', async () => {
    const one = await upstream({
      app: narinfo('app', ['lib']),
      lib: narinfo('lib', ['glibc']),
      glibc: narinfo('glibc'),
    })
    let asked = 0
    const first = await learn(['app'], [one], { isTimeUp: () => asked++ >= 2 })
    expect(first).toMatchObject({ unknown: 1, missing: new Set() })
    const second = await learn(['app'], [one])
    expect(second).toMatchObject({ unknown: 0, requests: 1 })
  })
  test('a damaged narinfo of ours', async () => {
    ours('lib', 'damaged')
    expect((await learn(['lib'], [])).unknown).toBe(1)
    expect(warnings).toEqual([expect.stringContaining(hash('lib'))])
  })
  test('S3 that does not answer; what we may not do is an error', async () => {
    buckets.before = (request) => {
      if (request.endsWith('.narinfo')) throw refusal(503, 'SlowDown')
    }
    expect((await learn(['lib'], [])).unknown).toBe(1)
    buckets.before = (request) => {
      if (request.endsWith('.narinfo')) throw refusal(403, 'AccessDenied')
    }
    await expect(learn(['lib'], [])).rejects.toMatchObject({ name: 'AccessDenied' })
  })
})
