import { describe, expect, test } from 'vitest'
import { wantedBy, warmSetOf } from '../../../../functions/plan/warm-set.ts'
import { isShell } from '../../../../functions/shared/attributes.ts'
import { drv, graphOf, out, type Sketch } from '../graphs.ts'

/** The paths of a warm set, sorted. */
function paths(graph: Record<string, Sketch>, attribute: string, root: string): string[] {
  const wanted = warmSetOf(graphOf(graph), attribute, drv(root))
  return sorted(...wanted.map(({ path }) => path ?? 'unknown'))
}
const sorted = (...expected: string[]) => expected.toSorted()

// nix-facts section 4: what nix develop, nix-shell and nix build copied on a fresh machine
describe('what must be in a cache', () => {
  const graph = {
    shell: { needs: ['compiler', 'multi.doc', 'script'] },
    compiler: { needs: ['bootstrap'] },
    bootstrap: {},
    multi: { outputs: ['out', 'dev', 'doc'] },
    script: { needs: ['compiler', 'wrapper'], local: true },
    wrapper: { needs: ['python.out', 'python.dev'], local: true },
    python: { outputs: ['out', 'dev'], needs: ['bootstrap'] },
  }

  test('for a shell: the named outputs of its inputs; of what is built on the laptop anyway, its inputs, recursively', () => {
    expect(paths(graph, 'devShells.default', 'shell')).toEqual(
      sorted(out('compiler'), out('multi', 'doc'), out('python'), out('python', 'dev')),
    )
  })
  test('never the shell itself', () => {
    expect(paths(graph, 'devShells.default', 'shell')).not.toContain(out('shell'))
  })
  test('for a package: all its outputs, and none of its inputs', () => {
    expect(paths(graph, 'packages.multi', 'multi')).toEqual(
      sorted(out('multi'), out('multi', 'dev'), out('multi', 'doc')),
    )
  })
  test('for a package that is built on the laptop anyway: its inputs', () => {
    expect(paths(graph, 'packages.script', 'script')).toEqual(
      sorted(out('compiler'), out('python'), out('python', 'dev')),
    )
  })
  test('for a shell without inputs: nothing', () => {
    expect(paths({ shell: {} }, 'devShells.empty', 'shell')).toEqual([])
  })
  test('for a shell that needs something twice: it, once', () => {
    const twice = {
      shell: { needs: ['tool', 'script'] },
      script: { needs: ['tool'], local: true },
      tool: {},
    }
    expect(paths(twice, 'devShells.default', 'shell')).toEqual([out('tool')])
  })
  test('what has no path before it is built is wanted all the same', () => {
    const graph = {
      shell: { needs: ['floating'] },
      floating: { outputs: [], unsupported: 'it is a floating content-addressed derivation' },
    }
    const wanted = [{ drvPath: drv('floating'), output: 'out' }]
    expect(warmSetOf(graphOf(graph), 'devShells.default', drv('shell'))).toEqual(wanted)
    expect(warmSetOf(graphOf(graph), 'packages.floating', drv('floating'))).toEqual(wanted)
  })
  test('of a derivation that the graph lacks, nobody can say', () => {
    expect(() => warmSetOf(graphOf({ shell: { needs: ['gone'] } }), 'devShells.x', drv('shell'))).toThrow(
      `devShells.x needs ${drv('gone')}, which the evaluator's graph lacks`,
    )
  })
})

describe('an attribute is entered as a shell', () => {
  test.each([
    ['devShells.default', true],
    ['devShells.x86_64-linux.default', true],
    ['devShell', true],
    ['devShell.x86_64-linux', true],
    ['packages.default', false],
    ['checks.devShells', false],
    ['devShellsOld.default', false],
  ])('%s: %s', (attribute, expected) => {
    expect(isShell(attribute)).toBe(expected)
  })
})

describe('what is imported while an attribute is evaluated', () => {
  const graph = graphOf({
    shell: { needs: ['tool'] },
    tool: {},
    plan: { outputs: ['out', 'json'], needs: ['planner'] },
    generated: { needs: ['generator'], local: true },
    generator: {},
    planner: {},
  })
  const wanted = (shell: Parameters<typeof wantedBy>[1]) =>
    wantedBy(graph, shell)
      .map(({ path }) => path ?? 'unknown')
      .toSorted()
  const attribute = { attribute: 'devShells.x86_64-linux.default', system: 'x86_64-linux' }
  const drvPath = drv('shell')

  test.each([
    [
      'belongs to its warm set, by output',
      { drvPath, imported: { [drv('plan')]: ['json'] } },
      [out('tool'), out('plan', 'json')],
    ],
    [
      'with allowSubstitutes = false: itself for the evaluator, which builds nothing, and its inputs for the laptop, which builds it',
      { drvPath, imported: { [drv('generated')]: ['out'] } },
      [out('tool'), out('generated'), out('generator')],
    ],
    [
      'is all that is wanted of one that cannot be evaluated without it',
      { needs: { [drv('generated')]: ['out'] } },
      [out('generated')],
    ],
    ['is not wanted of one that is broken', { error: 'broken' }, []],
  ])('%s', (_, status, expected) => {
    expect(wanted({ ...attribute, ...status })).toEqual(sorted(...expected))
  })
})
