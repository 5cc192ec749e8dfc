import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failuresOf } from '../../../../functions/plan/attempts.ts'
import { decide } from '../../../../functions/plan/decide.ts'
import { warmSetOf } from '../../../../functions/plan/warm-set.ts'
import type {
  BatchDerivation,
  DerivationOutcome,
  PlannedShell,
} from '../../../../functions/shared/contract.ts'
import type { TriedBatch } from '../../../../functions/shared/run-files.ts'
import type { StorePath } from '../../../../nix/store-path.ts'
import { drv, graphOf, out, type Sketch } from '../graphs.ts'
import { anyWanting, type Wanting } from './random-graph.ts'

const capabilities = { systems: new Set(['x86_64-linux', 'aarch64-linux']), features: new Set<string>() }

const SHELLS: Record<string, Sketch> = {
  'shell-a': { needs: ['a', 'shared'] },
  'shell-b': { needs: ['b', 'shared'] },
  a: {},
  b: {},
  shared: {},
}
const evaluated = ['a', 'b'].map((name) => ({
  attribute: `devShells.${name}`,
  system: 'x86_64-linux',
  drvPath: drv(`shell-${name}`),
}))

async function decideOn(held: StorePath[], failures: [StorePath, string][] = [], sketches = SHELLS) {
  const { verdict, shells, missing } = await decide(
    graphOf(sketches),
    evaluated,
    new Map(failures),
    capabilities,
    async (paths) => new Set(paths.filter((path) => held.includes(path))),
  )
  return { verdict, missing, shells: shells.map(({ attribute, status }) => `${attribute} ${status}`) }
}

describe('the verdict, and how every shell stands', () => {
  test.each<[string, StorePath[], [StorePath, string][], unknown]>([
    [
      'something is missing',
      [out('a')],
      [],
      { verdict: 'build', missing: 2, shells: ['devShells.a cold', 'devShells.b cold'] },
    ],
    [
      'one shell is complete',
      [out('a'), out('shared')],
      [],
      { verdict: 'build', missing: 1, shells: ['devShells.a warm', 'devShells.b cold'] },
    ],
    [
      'all of them are',
      [out('a'), out('b'), out('shared')],
      [],
      { verdict: 'done', missing: 0, shells: ['devShells.a warm', 'devShells.b warm'] },
    ],
    [
      'one cannot be completed, the other can',
      [out('shared')],
      [[drv('a'), 'exit code 1']],
      { verdict: 'build', missing: 2, shells: ['devShells.a failed', 'devShells.b cold'] },
    ],
    [
      'one cannot be completed, the other is',
      [out('b'), out('shared')],
      [[drv('a'), 'exit code 1']],
      { verdict: 'stuck', missing: 1, shells: ['devShells.a failed', 'devShells.b warm'] },
    ],
    [
      'what they share failed',
      [out('a'), out('b')],
      [[drv('shared'), 'exit code 1']],
      { verdict: 'stuck', missing: 1, shells: ['devShells.a failed', 'devShells.b failed'] },
    ],
    [
      'what failed has come from elsewhere meanwhile',
      [out('a'), out('b'), out('shared')],
      [[drv('a'), 'lost']],
      { verdict: 'done', missing: 0, shells: ['devShells.a warm', 'devShells.b warm'] },
    ],
  ])('%s', async (_, held, failures, expected) => {
    expect(await decideOn(held, failures)).toEqual(expected)
  })

  test('a shell that needs what nobody can build is not warm', async () => {
    const sketches = { ...SHELLS, a: { outputs: [], unsupported: 'it is an impure derivation' } }
    expect(await decideOn([out('b'), out('shared')], [], sketches)).toEqual({
      verdict: 'stuck',
      missing: 1,
      shells: ['devShells.a failed', 'devShells.b warm'],
    })
  })
})

describe('one broken shell never hides the others', () => {
  test('it is listed with its reason', async () => {
    const { verdict, shells } = await decide(
      graphOf(SHELLS),
      [...evaluated, { attribute: 'devShells.broken', system: 'x86_64-linux', error: 'attribute gone' }],
      new Map([[drv('a'), 'exit code 1']]),
      capabilities,
      async (paths) => new Set(paths.filter((path) => path !== out('a'))),
    )
    expect(verdict).toBe('stuck')
    expect(shells).toEqual([
      {
        attribute: 'devShells.a',
        system: 'x86_64-linux',
        paths: [out('a'), out('shared')],
        status: 'failed',
        reason: `${drv('a')}: exit code 1`,
        blame: [drv('a')],
      },
      {
        attribute: 'devShells.b',
        system: 'x86_64-linux',
        paths: [out('b'), out('shared')],
        status: 'warm',
      },
      {
        attribute: 'devShells.broken',
        system: 'x86_64-linux',
        paths: [],
        status: 'failed',
        reason: 'attribute gone',
      },
    ])
  })

  test('when all of them are broken, there is nothing to build, and nothing is missing', async () => {
    const broken = [{ attribute: 'devShells.x', system: 'x86_64-linux', error: 'no' }]
    const decision = await decide(graphOf({}), broken, new Map(), capabilities, async () => new Set())
    expect(decision).toMatchObject({
      verdict: 'done',
      missing: 0,
      shells: [{ status: 'failed', reason: 'no' }],
    })
  })
})

type Outcome = DerivationOutcome['outcome']

/** What became of the derivations of one wave. */
interface Wave {
  batches: BatchDerivation[][]
  outcomes: Map<StorePath, Outcome | 'nothing'>
}

const RETRYABLE: Outcome[] = ['lost', 'input-missing', 'not-reproducible']

/** A run of the loop Plan, Build, Publish, Plan over a world that answers as `fate` says. */
async function simulate(
  { graph, shells }: Wanting,
  fate: (
    derivation: BatchDerivation,
    hasCome: (need: StorePath) => boolean,
  ) => Outcome | 'nothing' | 'invisible',
) {
  const held = new Set<StorePath>()
  const tried: TriedBatch[] = []
  const waves: Wave[] = []
  const most = 2 * Object.keys(graph.derivations).length + 1
  for (;;) {
    const whichAreHeld = async (paths: StorePath[]) => new Set(paths.filter((path) => held.has(path)))
    const decision = await decide(graph, shells, failuresOf(tried), capabilities, whichAreHeld)
    if (decision.verdict !== 'build') return { ...decision, held, waves, failures: failuresOf(tried) }
    expect(waves.length, 'the run comes to an end').toBeLessThan(most)
    const wave: Wave = { batches: [...decision.batches.values()], outcomes: new Map() }
    waves.push(wave)
    for (const [system, derivations] of decision.batches) {
      const told = derivations.flatMap((derivation): DerivationOutcome[] => {
        const { drvPath } = derivation
        const found = fate(derivation, (need) => wave.outcomes.get(need) === 'published')
        const outcome = found === 'invisible' ? 'published' : found
        wave.outcomes.set(drvPath, outcome)
        if (found === 'published') for (const path of Object.values(derivation.outputs)) held.add(path)
        if (outcome === 'nothing') return []
        if (outcome === 'published') return [{ drvPath, outcome }]
        const error = { name: 'Error', message: outcome, retryable: RETRYABLE.includes(outcome) }
        return [{ drvPath, outcome, error }]
      })
      tried.push(triedBatch(system, derivations, told))
    }
  }
}

function triedBatch(system: string, derivations: BatchDerivation[], told: DerivationOutcome[]): TriedBatch {
  return {
    job: {
      kind: 'build',
      run: 'run',
      wave: 1,
      system,
      archive: { key: '', sha256: '' },
      derivations,
      upstreams: [],
      publicKeys: [],
    },
    outcome: { version: 1, run: 'run', wave: 1, system, buildId: 'build:1', derivations: told },
  }
}

const anyDice = fc.infiniteStream(fc.integer({ min: 0, max: 11 }))
const dealt = (dice: Iterator<number>): number => (dice.next().value as number | undefined) ?? 0
const HONEST: (Outcome | 'nothing')[] = ['failed', 'refused', ...RETRYABLE, 'nothing']

/** Builders and a Publish that tell the truth, and half of whose work goes wrong in some way. */
const honest =
  (dice: Iterator<number>) =>
  ({ needs }: BatchDerivation, hasCome: (need: StorePath) => boolean): Outcome | 'nothing' =>
    needs.every(hasCome) ? (HONEST[dealt(dice)] ?? 'published') : 'dependency-failed'

test('a graph may be as deep as it is large', async () => {
  const chain = Array.from({ length: 20_000 }, (_, index): [string, Sketch] => [
    `n${index}`,
    { needs: index === 0 ? [] : [`n${index - 1}`] },
  ])
  const deepest = { attribute: 'packages.deep', system: 'x86_64-linux', drvPath: drv('n19999') }
  const decision = await decide(
    graphOf(Object.fromEntries(chain)),
    [deepest],
    new Map(),
    capabilities,
    async () => new Set(),
  )
  expect(decision.batches.get('x86_64-linux')?.map(({ drvPath }) => drvPath)).toEqual(
    chain.map(([name]) => drv(name)),
  )
})

describe('a run comes to an end', () => {
  test('when everything can be built, done, and nothing was built twice', async () => {
    await fc.assert(
      fc.asyncProperty(anyWanting, async (wanting) => {
        const { verdict, shells, waves } = await simulate(wanting, () => 'published')
        const built = waves.flatMap(({ batches }) => batches.flat().map(({ drvPath }) => drvPath))
        expect(new Set(built).size).toBe(built.length)
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
        const { waves } = await simulate(wanting, honest(dice))
        const over = new Set<StorePath>()
        for (const { outcomes } of waves)
          for (const [drvPath, outcome] of outcomes) {
            expect(over, `${drvPath} is tried again`).not.toContain(drvPath)
            if (outcome === 'published' || outcome === 'failed' || outcome === 'refused') over.add(drvPath)
          }
      }),
    )
  })

  test('no derivation is given to a builder that can build it more than twice', async () => {
    await fc.assert(
      fc.asyncProperty(anyWanting, anyDice, async (wanting, dice) => {
        const { waves } = await simulate(wanting, honest(dice))
        const given = waves.flatMap(({ outcomes }) =>
          [...outcomes].filter(([, outcome]) => outcome !== 'dependency-failed').map(([drvPath]) => drvPath),
        )
        for (const list of Map.groupBy(given, (drvPath) => drvPath).values())
          expect(list.length).toBeLessThanOrEqual(2)
      }),
    )
  })

  test('also when builders lie, and when what is published cannot be seen', async () => {
    const LIES = [...HONEST, 'dependency-failed', 'published', 'invisible', 'invisible'] as const
    await fc.assert(
      fc.asyncProperty(anyWanting, anyDice, async (wanting, dice) => {
        const { verdict } = await simulate(wanting, () => LIES[dealt(dice) % LIES.length] ?? 'lost')
        expect(['done', 'stuck']).toContain(verdict)
      }),
    )
  })
})

function wantsAreHeld({ graph, shells }: Wanting, index: number, held: Set<StorePath>): boolean {
  const shell = shells[index]
  if (shell === undefined || 'error' in shell) throw new Error('every shell of these graphs evaluates')
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
