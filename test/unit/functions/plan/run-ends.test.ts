import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { warmSetOf } from '../../../../functions/plan/warm-set.ts'
import type { BatchDerivation, PlannedShell } from '../../../../functions/shared/contract.ts'
import type { StorePath } from '../../../../nix/store-path.ts'
import { anyWanting, type Wanting } from './random-graph.ts'
import { type Outcome, RETRYABLE, simulate } from './simulated-run.ts'

const anyDice = fc.infiniteStream(fc.integer({ min: 0, max: 11 }))
const dealt = (dice: Iterator<number>): number => (dice.next().value as number | undefined) ?? 0
const HONEST: (Outcome | 'nothing')[] = ['failed', 'refused', 'not-reproducible', ...RETRYABLE, 'nothing']

/** Builders and a Publish that tell the truth, and half of whose work goes wrong in some way. */
const honest =
  (dice: Iterator<number>) =>
  ({ needs }: BatchDerivation, hasCome: (need: StorePath) => boolean): Outcome | 'nothing' =>
    needs.every(hasCome) ? (HONEST[dealt(dice)] ?? 'published') : 'dependency-failed'

const isLasting = (outcome: Outcome | 'nothing'): boolean =>
  outcome !== 'nothing' && outcome !== 'dependency-failed' && !RETRYABLE.includes(outcome)

// Each run is a hundred calls of Take.
describe('a run comes to an end', { timeout: 60_000 }, () => {
  test('when everything can be built, done, and nothing was built twice', async () => {
    await fc.assert(
      fc.asyncProperty(anyWanting, async (wanting) => {
        const { verdict, shells, batches, waves } = await simulate(wanting, () => 'published')
        const built = batches.flatMap(({ job }) => job.derivations.map(({ drvPath }) => drvPath))
        expect(new Set(built).size).toBe(built.length)
        // and nobody had to look again for anything that lanes can see by themselves
        expect(waves).toBeLessThanOrEqual(1)
        const impossible = shells.filter(({ status }) => status === 'failed')
        expect(verdict).toBe(impossible.length === 0 ? 'done' : 'stuck')
        expect(shells.filter(({ status }) => status === 'cold')).toEqual([])
      }),
    )
  })

  test('whatever fails, is lost or races: every shell is warm, or says what is to blame', async () => {
    await fc.assert(
      fc.asyncProperty(anyWanting, anyDice, async (wanting, dice) => {
        const { verdict, shells, held, failures } = await simulate(wanting, honest(dice))
        for (const [index, shell] of shells.entries()) {
          const isWarm = wantsAreHeld(wanting, index, held)
          expect(shell.status).toBe(isWarm ? 'warm' : 'failed')
          if (!isWarm) expectBlame(wanting, shell, failures)
        }
        expect(verdict).toBe(shells.every(({ status }) => status === 'warm') ? 'done' : 'stuck')
      }),
    )
  })

  test('nothing is built again unless it was lost, raced, lacked an input or waited for something that did', async () => {
    await fc.assert(
      fc.asyncProperty(anyWanting, anyDice, async (wanting, dice) => {
        const { batches } = await simulate(wanting, honest(dice))
        const over = new Set<StorePath>()
        for (const { outcomes } of batches)
          for (const [drvPath, outcome] of outcomes) {
            expect(over, `${drvPath} is tried again`).not.toContain(drvPath)
            if (isLasting(outcome)) over.add(drvPath)
          }
      }),
    )
  })

  test('no derivation is given to a builder that can build it more than twice, apart from those that are lost, four at most', async () => {
    await fc.assert(
      fc.asyncProperty(anyWanting, anyDice, async (wanting, dice) => {
        const { batches } = await simulate(wanting, honest(dice))
        const given = batches.flatMap(({ outcomes }) =>
          [...outcomes].filter(([, outcome]) => outcome !== 'dependency-failed'),
        )
        for (const list of Map.groupBy(given, ([drvPath]) => drvPath).values()) {
          const lost = list.filter(([, outcome]) => outcome === 'lost' || outcome === 'nothing').length
          expect(lost).toBeLessThanOrEqual(4)
          expect(list.length - lost).toBeLessThanOrEqual(2)
        }
      }),
    )
  })

  test('also when builders lie, and when what is published cannot be seen', async () => {
    const LIES = [...HONEST, 'dependency-failed', 'published', 'invisible', 'invisible'] as const
    await fc.assert(
      fc.asyncProperty(anyWanting, anyDice, async (wanting, dice) => {
        const { verdict } = await simulate(wanting, () => LIES[dealt(dice) % LIES.length] ?? 'lost', {
          isHonest: false,
        })
        expect(['done', 'stuck']).toContain(verdict)
      }),
    )
  })
})

function wantsAreHeld({ graph, shells }: Wanting, index: number, held: Set<StorePath>): boolean {
  const shell = shells[index]
  if (shell === undefined || !('drvPath' in shell)) throw new Error('every shell of these graphs evaluates')
  const wanted = warmSetOf(graph, shell.attribute, shell.drvPath)
  return wanted.every(({ path }) => path !== undefined && held.has(path))
}

/** Those that are blamed have failed, or can never be built. */
function expectBlame(
  { graph }: Wanting,
  { blame = [] }: PlannedShell,
  failures: Map<StorePath, string>,
): void {
  expect(blame.length).toBeGreaterThan(0)
  for (const drvPath of blame) {
    const derivation = graph.derivations[drvPath]
    const isImpossible =
      derivation?.unsupported !== undefined ||
      derivation?.requiredSystemFeatures.includes('quantum') === true ||
      derivation?.system === 'aarch64-darwin'
    expect(isImpossible || failures.has(drvPath)).toBe(true)
  }
}
