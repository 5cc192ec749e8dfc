import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StorePath } from '../../../../nix/store-path.ts'
import { drv, graphOf, out } from '../graphs.ts'
import { anyWanting, type Wanting } from './random-graph.ts'
import { type Fate, type Outcome, type SimulatedRun, SimulatedWorld, startRun } from './simulated-run.ts'

/** Runs that are started so many seconds after each other, until all have ended. */
async function together(wantings: Wanting[], fate: Fate, seconds: number[] = []): Promise<SimulatedRun[]> {
  const world = new SimulatedWorld()
  const runs: ReturnType<typeof startRun>[] = []
  for (const [index, wanting] of wantings.entries())
    world.time.after(seconds[index] ?? 0, async () => {
      runs.push(startRun(wanting, fate, world))
    })
  const isOver = () => runs.length === wantings.length && runs.every(({ result }) => result !== undefined)
  expect(await world.time.runUntil(isOver), 'the runs come to an end').toBe(true)
  return runs.flatMap(({ result }) => result ?? [])
}

/** How often each path was begun, over all runs. */
function begun(runs: SimulatedRun[]): Map<StorePath, number> {
  const counts = new Map<StorePath, number>()
  for (const { job } of runs.flatMap(({ batches }) => batches))
    for (const path of job.derivations.flatMap(({ outputs }) => Object.values(outputs)))
      counts.set(path, (counts.get(path) ?? 0) + 1)
  return counts
}

/** Two repositories that share all or a part of their graph. */
const anyTwo = fc
  .tuple(anyWanting, fc.nat(), fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 2, maxLength: 2 }))
  .map(([one, pick, seconds]) => {
    const names = Object.keys(one.graph.derivations) as StorePath[]
    const drvPath = names[pick % names.length]
    const shells =
      drvPath === undefined ? [] : [{ attribute: 'packages.other', system: 'x86_64-linux', drvPath }]
    return { wantings: [one, { graph: one.graph, shells }], seconds }
  })

describe('several runs at once', { timeout: 60_000 }, () => {
  test('no path is built twice, whoever wants it, and every run ends with what it wants', async () => {
    await fc.assert(
      fc.asyncProperty(anyTwo, async ({ wantings, seconds }) => {
        const runs = await together(wantings, () => 'published', seconds)
        expect([...begun(runs)].filter(([, times]) => times > 1)).toEqual([])
        for (const { shells, verdict } of runs) {
          expect(shells.filter(({ status }) => status === 'cold')).toEqual([])
          expect(verdict).toBe(shells.every(({ status }) => status === 'warm') ? 'done' : 'stuck')
        }
      }),
    )
  })

  test('whatever is lost: what one run loses, another one may build', async () => {
    const anyDice = fc.infiniteStream(fc.integer({ min: 0, max: 5 }))
    const FATES: (Outcome | 'nothing')[] = ['lost', 'nothing']
    await fc.assert(
      fc.asyncProperty(anyTwo, anyDice, async ({ wantings, seconds }, dice) => {
        const fate: Fate = ({ needs }, hasCome) => {
          const dealt = dice.next().value as number | undefined
          return needs.every(hasCome) ? (FATES[dealt ?? 9] ?? 'published') : 'dependency-failed'
        }
        const runs = await together(wantings, fate, seconds)
        for (const { shells } of runs) expect(shells.filter(({ status }) => status === 'cold')).toEqual([])
      }),
    )
  })

  test('four repositories that bump nixpkgs at the same minute build one GHC', async () => {
    const graph = graphOf({
      a: { needs: ['ghc'] },
      b: { needs: ['ghc'] },
      c: { needs: ['ghc'] },
      d: { needs: ['ghc'] },
      ghc: {},
    })
    const wantings = ['a', 'b', 'c', 'd'].map((name) => ({
      graph,
      shells: [{ attribute: `packages.${name}`, system: 'x86_64-linux', drvPath: drv(name) }],
    }))
    const runs = await together(wantings, () => 'published', [0, 1, 20, 60])
    expect(begun(runs).get(out('ghc'))).toBe(1)
    expect(runs.map(({ verdict }) => verdict)).toEqual(['done', 'done', 'done', 'done'])
    // nobody asks again and again while it waits
    for (const { lanes } of runs) for (const { takes } of lanes) expect(takes).toBeLessThan(12)
  })
})
