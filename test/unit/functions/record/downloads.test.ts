import { describe, expect, test } from 'vitest'
import { downloadsOf, type Learnt } from '../../../../functions/record/downloads.ts'
import { isBuilt, runBuilds } from '../../../../functions/record/run-builds.ts'
import type { DerivationOutcome, ScheduledDerivation } from '../../../../functions/shared/contract.ts'
import type { PathFact } from '../../../../functions/shared/path-facts/fact.ts'
import { hashPartOf } from '../../../../nix/store-path.ts'
import { batchDerivation, became, jobOf, outcomeOf } from '../batches.ts'
import { drv, out } from '../graphs.ts'

const NIXOS = 'https://cache.nixos.org'
const ORDER = [NIXOS, 'cache']
const hash = (name: string): string => hashPartOf(out(name))

/** Paths by name: where each is, how large, and what it refers to. */
function learnt(
  paths: Record<string, [source: string, fileSize: number, ...references: string[]]>,
  missing: string[] = [],
  fresh: string[] = [],
): Learnt {
  const facts = new Map(
    Object.entries(paths).map(([name, [source, fileSize, ...references]]): [string, PathFact] => [
      hash(name),
      {
        asked: ORDER.slice(0, ORDER.indexOf(source) + 1),
        fileSize,
        references: references.map(hash),
        day: 0,
      },
    ]),
  )
  return {
    known: (hashPart) => facts.get(hashPart),
    missing: new Set(missing.map(hash)),
    fresh: new Set(fresh.map(hash)),
  }
}

/** A schedule, given inputs first: what each derivation needs of it. */
function schedule(needs: Record<string, string[]>): ScheduledDerivation[] {
  const names = Object.keys(needs)
  return names.map((name) => ({
    drvPath: drv(name),
    system: 'x86_64-linux',
    outputs: { out: out(name) },
    inputs: [],
    needs: (needs[name] ?? []).map((need) => names.indexOf(need)),
    needsPublished: [],
    seconds: 1,
    path: 1,
  }))
}
function batch(outcomes: Record<string, [DerivationOutcome['outcome'], seconds?: number]>) {
  const derivations = Object.entries(outcomes).map(([name, [outcome, seconds]]) => ({
    ...became(drv(name), outcome),
    ...(seconds === undefined ? {} : { seconds }),
  }))
  const id = '1-x86_64-linux-1-1'
  return {
    job: jobOf(
      'r',
      id,
      Object.keys(outcomes).map((name) => batchDerivation(name)),
    ),
    outcome: outcomeOf('r', id, derivations),
  }
}
const shell = (...names: string[]) => ({
  attribute: 'devShells.default',
  system: 'x86_64-linux',
  paths: names.map((name) => out(name)),
})
const NOTHING = runBuilds([], [])

describe('what a new laptop downloads', () => {
  test('is the closure, each path once, by the cache that it comes from', () => {
    const facts = learnt({
      app: ['cache', 10, 'lib', 'glibc'],
      tool: ['cache', 5, 'glibc'],
      lib: [NIXOS, 100, 'glibc'],
      glibc: [NIXOS, 1000],
      other: [NIXOS, 1],
    })
    expect(downloadsOf(shell('app', 'tool'), facts, NOTHING, ORDER)).toEqual({
      attribute: 'devShells.default',
      system: 'x86_64-linux',
      sources: [
        { source: NIXOS, paths: 2, bytes: 1100 },
        { source: 'cache', paths: 2, bytes: 15 },
      ],
      unknown: 0,
      missing: 0,
      builtPaths: 0,
      built: 0,
      buildSeconds: 0,
    })
  })
  test('says how much of it nobody knows, and how much is nowhere', () => {
    const facts = learnt({ app: ['cache', 10, 'lib', 'glibc', 'gone'] }, ['gone'])
    expect(downloadsOf(shell('app'), facts, NOTHING, ORDER)).toMatchObject({
      sources: [{ source: 'cache', paths: 1 }],
      unknown: 2,
      missing: 1,
    })
  })
  test('also of a closure that goes round in a circle', () => {
    const facts = learnt({ app: ['cache', 1, 'lib'], lib: ['cache', 1, 'app'] })
    expect(downloadsOf(shell('app'), facts, NOTHING, ORDER).sources).toEqual([
      { source: 'cache', paths: 2, bytes: 2 },
    ])
  })
})

describe('what this run built for a shell', () => {
  const facts = learnt({ app: ['cache', 1, 'lib'], lib: ['cache', 1], tool: ['cache', 1], old: ['cache', 1] })
  const needs = { compiler: [], lib: ['compiler'], app: ['lib', 'compiler'], tool: [] }

  test('is told apart from what was there, and counts the compiler that only builds need', () => {
    const builds = runBuilds(
      [schedule(needs)],
      [
        batch({
          compiler: ['published', 60],
          lib: ['published', 4],
          app: ['published', 2.5],
          tool: ['published', 9],
        }),
      ],
    )
    expect(downloadsOf(shell('app', 'old'), facts, builds, ORDER)).toMatchObject({
      builtPaths: 2,
      built: 3,
      buildSeconds: 66.5,
    })
    expect(downloadsOf(shell('tool'), facts, builds, ORDER)).toMatchObject({ built: 1, buildSeconds: 9 })
  })
  test('is what stands: also a build that lost to another one, and none that failed', () => {
    const builds = runBuilds(
      [schedule(needs)],
      [batch({ compiler: ['not-reproducible', 60], lib: ['already-published', 4], app: ['failed', 3] })],
    )
    expect(downloadsOf(shell('app'), facts, builds, ORDER)).toMatchObject({
      builtPaths: 1,
      built: 2,
      buildSeconds: 64,
    })
    expect(['compiler', 'lib', 'app'].map((name) => isBuilt(builds, hash(name)))).toEqual([true, true, false])
  })
  test('comes with its sources; what another run built meanwhile was there', () => {
    const facts = learnt(
      {
        app: ['cache', 1, 'script.sh', 'lib'],
        'script.sh': ['cache', 1],
        lib: ['cache', 1, 'old.sh'],
        'old.sh': ['cache', 1],
      },
      [],
      ['app', 'script.sh', 'lib'],
    )
    const builds = runBuilds([schedule({ lib: [], app: ['lib'] })], [batch({ app: ['published', 1] })])
    expect(downloadsOf(shell('app'), facts, builds, ORDER)).toMatchObject({ builtPaths: 2, built: 1 })
  })
  test('is found through the needs of every wave', () => {
    const builds = runBuilds(
      [schedule({ plan: [] }), schedule({ app: [] }), schedule({ lib: [], app: ['lib'] })],
      [batch({ plan: ['published', 1], lib: ['published', 2], app: ['published', 3] })],
    )
    expect(downloadsOf(shell('app'), facts, builds, ORDER)).toMatchObject({ built: 2, buildSeconds: 5 })
  })
})
