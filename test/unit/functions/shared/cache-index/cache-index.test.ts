import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { openCacheIndex } from '../../../../../functions/shared/cache-index/cache-index.ts'
import { compactIndex } from '../../../../../functions/shared/cache-index/compact.ts'
import { HashParts } from '../../../../../functions/shared/cache-index/hash-parts.ts'
import { rebuildIndex } from '../../../../../functions/shared/cache-index/rebuild.ts'
import { writeGone, writeHeld } from '../../../../../functions/shared/cache-index/segments.ts'
import { hashPartOf } from '../../../../../nix/store-path.ts'
import { Buckets, refusal } from '../../buckets.ts'
import { out } from '../../graphs.ts'

const MINUTE = 60 * 1000

let buckets: Buckets
let state: ReturnType<Buckets['bucket']>
let cache: ReturnType<Buckets['bucket']>
let later = 0
beforeEach(() => {
  buckets = new Buckets()
  state = buckets.bucket('state')
  cache = buckets.bucket('cache')
  later = 0
})
const now = () => Date.now() + later
const open = () => openCacheIndex(state, cache, now)
const show = (name: string): void => buckets.put(`cache/${hashPartOf(out(name))}.narinfo`, 'signed')
const hide = (name: string): void => {
  buckets.objects.delete(`cache/${hashPartOf(out(name))}.narinfo`)
}
const hashParts = (...names: string[]): string[] => names.map((name) => hashPartOf(out(name)))
async function held(...names: string[]): Promise<string[]> {
  const are = await open().whichAreHeld(names.map((name) => out(name)))
  return names.filter((name) => are.has(out(name)))
}
/** Everything in the bucket was written so long before what comes next. */
function wait(minutes: number): void {
  for (const stored of buckets.objects.values())
    stored.lastModified = new Date(stored.lastModified.getTime() - minutes * MINUTE)
}
const segments = () => buckets.keys('state').filter((key) => /^index\/(held|gone)\//.test(key))

describe('what the index knows', () => {
  beforeEach(async () => {
    show('old')
    await rebuildIndex(state, cache)
  })
  test('what was in the cache when it was made', async () => {
    expect(await held('old', 'other')).toEqual(['old'])
  })
  test('what somebody noted and saved', async () => {
    const index = open()
    index.note(out('new'))
    expect(await held('new')).toEqual([])
    await index.save()
    expect(await held('old', 'new', 'other')).toEqual(['old', 'new'])
  })
  test('nothing any more of what is about to be deleted, whoever says that he saw it', async () => {
    await writeHeld(state, hashParts('new'))
    await writeGone(state, hashParts('old', 'new'))
    await writeHeld(state, hashParts('new'))
    expect(await held('old', 'new')).toEqual([])
  })
  test('5,000 paths, with two requests', async () => {
    const names = Array.from({ length: 5000 }, (_, index) => `package-${index}`)
    for (const name of names) show(name)
    await rebuildIndex(state, cache)
    const index = open()
    const are = await index.whichAreHeld(names.map((name) => out(name)))
    await index.save()
    expect(are.size).toBe(5000)
    expect(index.requests()).toBe(2)
  })
  test('saving nothing writes nothing', async () => {
    const written = buckets.written.length
    const index = open()
    await index.whichAreHeld([out('old')])
    await index.save()
    expect(buckets.written).toHaveLength(written)
  })
})

describe('an index that is not there', () => {
  test('is made from a listing of the cache, once, and nothing but narinfos is in it', async () => {
    show('hello')
    buckets.put('cache/nix-cache-info', '')
    buckets.put(`cache/nar/${'0'.repeat(52)}.nar.zst`, '')
    buckets.put(`cache/log/${hashPartOf(out('hello'))}-hello.drv`, '')
    buckets.put('cache/hello.narinfo', '')
    expect(await held('hello', 'other')).toEqual(['hello'])
    const listed = buckets.mock.commandCalls(ListObjectsV2Command, { Bucket: 'cache' }).length
    expect(await held('hello', 'other')).toEqual(['hello'])
    expect(buckets.mock.commandCalls(ListObjectsV2Command, { Bucket: 'cache' })).toHaveLength(listed)
  })
  test('also where segments are: what they do not say is in the cache all the same', async () => {
    show('before')
    show('after')
    await writeHeld(state, hashParts('after'))
    expect(await held('before', 'after')).toEqual(['before', 'after'])
  })
  test('is not made from segments alone by a compaction', async () => {
    show('before')
    show('after')
    await writeHeld(state, hashParts('after'))
    await compactIndex(state, cache)
    expect(await held('before', 'after')).toEqual(['before', 'after'])
  })
})

describe('a compaction', () => {
  beforeEach(async () => {
    show('old')
    await rebuildIndex(state, cache)
  })
  test('puts segments into one object, and drops them', async () => {
    await writeHeld(state, hashParts('one'))
    await writeHeld(state, hashParts('two', 'one'))
    expect(await compactIndex(state, cache)).toBe(true)
    expect(buckets.keys('state')).toEqual(['index/paths.zst'])
    expect(await held('old', 'one', 'two', 'three')).toEqual(['old', 'one', 'two'])
  })
  test('comes by itself when whoever saves has read more than 32 segments', async () => {
    for (let segment = 0; segment < 33; segment++) await writeHeld(state, hashParts(`package-${segment}`))
    const index = open()
    await index.whichAreHeld([out('old')])
    await index.save()
    expect(buckets.keys('state')).toEqual(['index/paths.zst'])
    expect(await held('old', 'package-0', 'package-32')).toEqual(['old', 'package-0', 'package-32'])
  })
  test.each([
    [10, 'kept'],
    [59, 'kept'],
    [61, 'dropped'],
  ])('%i minutes after a deletion its segment is %s, and the path is not held', async (minutes, expected) => {
    await writeHeld(state, hashParts('new'))
    await writeGone(state, hashParts('old', 'new'))
    hide('old')
    wait(minutes)
    await compactIndex(state, cache)
    expect(segments()).toHaveLength(expected === 'kept' ? 1 : 0)
    expect(await held('old', 'new')).toEqual([])
    // whoever saw it in its last moment, and says so late
    if (expected === 'kept') {
      await writeHeld(state, hashParts('old'))
      await compactIndex(state, cache)
      wait(61)
      await compactIndex(state, cache)
      expect(await held('old', 'new')).toEqual([])
    }
  })
  test('drops nothing when somebody else changes the index each time', async () => {
    await writeHeld(state, hashParts('new'))
    buckets.mock.on(PutObjectCommand).rejects(refusal(412, 'PreconditionFailed'))
    expect(await compactIndex(state, cache)).toBe(false)
    expect(segments()).toHaveLength(1)
    expect(await held('old', 'new')).toEqual(['old', 'new'])
  })
  test('that dies before it drops anything has harmed nobody', async () => {
    await writeHeld(state, hashParts('new'))
    const before = segments()
    const stored = before.map((key) => buckets.objects.get(`state/${key}`))
    await compactIndex(state, cache)
    for (const [index, key] of before.entries()) {
      const object = stored[index]
      if (object !== undefined) buckets.objects.set(`state/${key}`, object)
    }
    expect(await held('old', 'new')).toEqual(['old', 'new'])
    await compactIndex(state, cache)
    expect(await held('old', 'new')).toEqual(['old', 'new'])
  })
})

describe('a path that comes again after it was deleted', () => {
  test('costs a request while its deletion is remembered, and is known again when somebody saw it then', async () => {
    show('hello')
    await rebuildIndex(state, cache)
    await writeGone(state, hashParts('hello'))
    hide('hello')
    show('hello')
    const index = open()
    await index.whichAreHeld([out('hello')])
    index.note(out('hello'))
    await index.save()
    // nothing that would be void was written
    expect(segments()).toHaveLength(1)
    expect(await held('hello')).toEqual([])
    later = 61 * MINUTE
    await compactIndex(state, cache, now())
    expect(segments()).toEqual([])
    const healed = open()
    expect((await healed.whichAreHeld([out('hello')])).size).toBe(0)
    healed.note(out('hello'))
    await healed.save()
    expect(await held('hello')).toEqual(['hello'])
  })
})

describe('rebuilding', () => {
  test('rights whatever is wrong', async () => {
    show('here')
    await writeHeld(state, hashParts('not-here'))
    buckets.put('state/index/paths.zst', 'damaged')
    await expect(held('here')).rejects.toMatchObject({ name: 'IndexDamaged' })
    expect(await rebuildIndex(state, cache)).toEqual({ narinfos: 1 })
    expect(await held('here', 'not-here')).toEqual(['here'])
  })
  test('loses nothing that is written meanwhile', async () => {
    show('here')
    await rebuildIndex(state, cache)
    let isFirst = true
    buckets.mock.on(PutObjectCommand, { Bucket: 'state', Key: 'index/paths.zst' }).callsFake(async () => {
      if (!isFirst) throw refusal(412, 'PreconditionFailed')
      isFirst = false
      // a narinfo behind the listing, noted and compacted before this write
      show('meanwhile')
      buckets.put('state/index/paths.zst', await HashParts.of(hashParts('here', 'meanwhile')).pack())
      throw refusal(412, 'PreconditionFailed')
    })
    await expect(rebuildIndex(state, cache)).rejects.toMatchObject({ name: 'IndexNotRebuilt' })
    expect(await held('here', 'meanwhile')).toEqual(['here', 'meanwhile'])
  })
  test('forgets deletions that are over, and remembers the others', async () => {
    show('again')
    await writeGone(state, hashParts('again'))
    wait(61)
    await writeGone(state, hashParts('going'))
    show('going')
    await rebuildIndex(state, cache, now())
    hide('going')
    expect(await held('again', 'going')).toEqual(['again'])
  })
})

describe('reading while others compact', () => {
  const PLACES = ['index/', 'index/held/', 'index/gone/', 'index/paths.zst']
  /** Has something happen once, right before the reader lists, or gets the first object below a prefix. */
  function before(prefix: string, happens: () => Promise<unknown>): void {
    const { s3, name } = state
    let isDue = true
    const send = async (command: Parameters<typeof s3.send>[0]): Promise<unknown> => {
      const isSuch =
        command instanceof GetObjectCommand
          ? prefix !== 'index/' && command.input.Key?.startsWith(prefix) === true
          : command instanceof ListObjectsV2Command && prefix === 'index/'
      if (isDue && isSuch) {
        isDue = false
        await happens()
      }
      return s3.send(command)
    }
    state = { name, s3: Object.assign(Object.create(s3) as typeof s3, { send }) }
  }

  test.each(PLACES)('before it reads %s, it finds all the same', async (prefix) => {
    await rebuildIndex(state, cache)
    for (const name of ['one', 'two', 'three']) await writeHeld(state, hashParts(name))
    await writeGone(state, hashParts('old'))
    wait(61)
    const compactor = state
    before(prefix, async () => compactIndex(compactor, cache))
    expect(await held('one', 'two', 'three', 'four')).toEqual(['one', 'two', 'three'])
  })
  test.each(PLACES)('before it reads %s, what was deleted does not come back', async (prefix) => {
    show('one')
    await rebuildIndex(state, cache)
    await writeHeld(state, hashParts('one'))
    await writeGone(state, hashParts('one'))
    hide('one')
    wait(61)
    const compactor = state
    before(prefix, async () => compactIndex(compactor, cache))
    expect(await held('one')).toEqual([])
  })
})

/*
 * Anything that the pipeline does to one path, in any order, against the rule itself: what the index names is visible. A function lives 15 minutes at most, so nobody
 * who saw a narinfo says so later than that.
 */
test('whatever happens in whatever order, the index never names what is gone', async () => {
  const action = fc.oneof(
    { weight: 1, arbitrary: fc.constant('publish') },
    { weight: 2, arbitrary: fc.constant('see') },
    { weight: 2, arbitrary: fc.constant('delete') },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 14 }) },
    { weight: 2, arbitrary: fc.constant('compact') },
    { weight: 2, arbitrary: fc.constant('say') },
    { weight: 1, arbitrary: fc.constant('rebuild') },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 25 }), async (actions) => {
      buckets.objects.clear()
      buckets.mock.resetHistory()
      buckets.put('state/index/paths.zst', await HashParts.of([]).pack())
      let isVisible = false
      /** how long ago those who have not said so yet saw it, in minutes */
      let seen: number[] = []
      const say = async () => writeHeld(state, hashParts('hello'))
      for (const next of ['publish', 'see', ...actions]) {
        if (next === 'publish') {
          isVisible = true
          show('hello')
          await say()
        } else if (next === 'see' && isVisible) seen.push(0)
        else if (next === 'say' && seen.pop() !== undefined) await say()
        else if (next === 'delete') {
          await writeGone(state, hashParts('hello'))
          isVisible = false
          hide('hello')
        } else if (next === 'compact') await compactIndex(state, cache)
        else if (next === 'rebuild') await rebuildIndex(state, cache)
        else if (typeof next === 'number') {
          for (const age of seen) if (age + next >= 15) await say()
          seen = seen.map((age) => age + next).filter((age) => age < 15)
          wait(next)
        }
        if (!isVisible) expect(await held('hello')).toEqual([])
      }
    }),
    {
      numRuns: 25,
      examples: [[['delete', 14, 'compact', 'say']], [['delete', 6, 'rebuild', 'compact', 'say']]],
    },
  )
})
