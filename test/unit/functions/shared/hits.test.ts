import { beforeEach, describe, expect, test } from 'vitest'
import type { ShellDownloads } from '../../../../functions/shared/contract.ts'
import { addHits, hitsOf, readHits } from '../../../../functions/shared/hits.ts'
import { Buckets } from '../buckets.ts'

const NIXOS = 'https://cache.nixos.org'
const DAY = { repository: 'acme/shells', day: '2026-11-23' }
const KEY = 'hits/acme/shells/2026-11-23.json.zst'

function downloads(changes: Partial<ShellDownloads> = {}): ShellDownloads {
  return {
    attribute: 'devShells.default',
    system: 'x86_64-linux',
    sources: [
      { source: NIXOS, paths: 90, bytes: 1 },
      { source: 'cache', paths: 10, bytes: 1 },
    ],
    unknown: 1,
    missing: 2,
    builtPaths: 4,
    built: 6,
    buildSeconds: 120,
    ...changes,
  }
}

let buckets: Buckets
beforeEach(() => {
  buckets = new Buckets()
})
const add = (run: string, ...shells: ShellDownloads[]) =>
  addHits(buckets.bucket('state'), { ...DAY, run }, shells)
const read = () => readHits(buckets.bucket('state'), KEY)

test('what our cache had before a run is what it has now without what the run built', () => {
  expect(hitsOf(downloads())).toEqual({
    attribute: 'devShells.default',
    system: 'x86_64-linux',
    runs: 1,
    cache: 6,
    upstreams: { [NIXOS]: 90 },
    built: 4,
    missing: 2,
    unknown: 1,
    derivations: 6,
    buildSeconds: 120,
  })
})

describe('the sums of a day', () => {
  test('are of each shell and system by itself', async () => {
    await add('run-1', downloads(), downloads({ system: 'aarch64-darwin' }))
    await add('run-2', downloads({ builtPaths: 0, built: 0, buildSeconds: 0 }))
    const { runs, shells } = await read()
    expect(runs).toEqual(['run-1', 'run-2'])
    expect(shells).toMatchObject([
      {
        system: 'x86_64-linux',
        runs: 2,
        cache: 16,
        built: 4,
        upstreams: { [NIXOS]: 180 },
        buildSeconds: 120,
      },
      { system: 'aarch64-darwin', runs: 1, cache: 6 },
    ])
  })
  test('count a run once, however often it is recorded', async () => {
    await add('run-1', downloads())
    await add('run-1', downloads())
    expect(await read()).toMatchObject({ runs: ['run-1'], shells: [{ runs: 1 }] })
  })
  test('have the hint of the newest run, and none when that has none', async () => {
    await add('run-1', downloads({ hint: 'older' }))
    await add('run-2', downloads({ hint: 'newer' }))
    expect((await read()).shells[0]?.hint).toBe('newer')
    await add('run-3', downloads())
    expect((await read()).shells[0]).not.toHaveProperty('hint')
  })
  test('lose nothing when runs end at the same time', async () => {
    const runs = Array.from({ length: 8 }, (_, number) => `run-${number}`)
    expect(await Promise.all(runs.map((run) => add(run, downloads())))).toEqual(runs.map(() => true))
    expect((await read()).shells[0]?.runs).toBe(8)
  })
  test('that others write all the time are given up', async () => {
    let writes = 0
    buckets.before = async (request) => {
      if (!request.startsWith('Put') || writes >= 20) return
      const other = `other-${writes++}`
      const before = buckets.before
      buckets.before = () => undefined
      await add(other, downloads())
      buckets.before = before
    }
    expect(await add('run-1', downloads())).toBe(false)
    expect((await read()).runs).toHaveLength(20)
  })
})
