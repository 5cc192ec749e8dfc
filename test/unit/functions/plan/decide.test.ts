import { describe, expect, test } from 'vitest'
import { decide } from '../../../../functions/plan/decide.ts'
import type { Knowledge } from '../../../../functions/plan/knowledge.ts'
import type { StorePath } from '../../../../nix/store-path.ts'
import { drv, graphOf, out, type Sketch } from '../graphs.ts'

const knowing = (failures: [StorePath, string][] = []): Knowledge => ({
  failures: new Map(failures),
  capabilities: new Map([
    ['x86_64-linux', new Set<string>()],
    ['aarch64-linux', new Set<string>()],
  ]),
  secondsOf: () => 10,
})

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
    knowing(failures),
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
      knowing([[drv('a'), 'exit code 1']]),
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
    const decision = await decide(graphOf({}), broken, knowing(), async () => new Set())
    expect(decision).toMatchObject({
      verdict: 'done',
      missing: 0,
      shells: [{ status: 'failed', reason: 'no' }],
    })
  })
})

test('a graph may be as deep as it is large', async () => {
  const chain = Array.from({ length: 20_000 }, (_, index): [string, Sketch] => [
    `n${index}`,
    { needs: index === 0 ? [] : [`n${index - 1}`] },
  ])
  const deepest = { attribute: 'packages.deep', system: 'x86_64-linux', drvPath: drv('n19999') }
  const decision = await decide(
    graphOf(Object.fromEntries(chain)),
    [deepest],
    knowing(),
    async () => new Set(),
  )
  expect(decision.schedule.map(({ drvPath }) => drvPath)).toEqual(chain.map(([name]) => drv(name)))
})
