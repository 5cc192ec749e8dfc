import { describe, expect, test } from 'vitest'
import { findMissing } from '../../../../functions/plan/missing.ts'
import { warmSetOf } from '../../../../functions/plan/warm-set.ts'
import type { StorePath } from '../../../../nix/store-path.ts'
import { drv, graphOf, out, type Sketch, storePath } from '../graphs.ts'

/** What is missing for a package, and what the caches were asked, level by level. */
async function missingFor(
  sketches: Record<string, Sketch>,
  root: string,
  held: StorePath[],
  obstacles: string[] = [],
) {
  const graph = graphOf(sketches)
  const questions: StorePath[][] = []
  const missing = await findMissing(
    graph,
    warmSetOf(graph, `packages.${root}`, drv(root)),
    async (paths) => {
      if (paths.length > 0) questions.push(paths.toSorted())
      return new Set(paths.filter((path) => held.includes(path)))
    },
    (drvPath) => obstacles.map(drv).includes(drvPath),
  )
  return { derivations: [...missing.derivations].toSorted(), held: missing.held, questions }
}
const drvs = (...names: string[]) => names.map(drv).toSorted()

const graph: Record<string, Sketch> = {
  app: { needs: ['lib', 'tool'] },
  lib: { needs: ['libc', 'source'] },
  tool: { needs: ['libc'] },
  libc: { needs: ['bootstrap'] },
  source: { needs: ['curl'], paths: { out: out('source') } },
  curl: { needs: ['libc'] },
  bootstrap: {},
}

describe('what is missing', () => {
  test.each([
    ['everything, when the caches are empty', [], drvs(...Object.keys(graph))],
    ['nothing, when it is cached itself: its closure is there with it', [out('app')], []],
    ['only what is above what is cached', [out('lib'), out('tool')], drvs('app')],
    [
      'a cached fixed-output derivation needs none of its inputs',
      [out('libc'), out('source')],
      drvs('app', 'lib', 'tool'),
    ],
    ['an uncached one does', [out('libc')], drvs('app', 'lib', 'tool', 'source', 'curl')],
    [
      'what is needed by a branch that is cached, but also by one that is not',
      [out('lib')],
      drvs('app', 'tool', 'libc', 'bootstrap'),
    ],
  ])('%s', async (_, held, expected) => {
    expect((await missingFor(graph, 'app', held)).derivations).toEqual(expected)
  })

  test('a derivation of which another output than the needed one is in no cache is not', async () => {
    const multi = { app: { needs: ['multi.doc'] }, multi: { outputs: ['out', 'doc'] } }
    expect((await missingFor(multi, 'app', [out('multi', 'doc')])).derivations).toEqual(drvs('app'))
  })

  test('a derivation whose output has no path before it is built is', async () => {
    const floating = { app: { needs: ['floating', 'lib'] }, floating: { outputs: [] }, lib: {} }
    const { derivations, questions } = await missingFor(floating, 'app', [out('lib')])
    expect(derivations).toEqual(drvs('app', 'floating'))
    expect(questions.flat()).toEqual([out('app'), out('lib')])
  })
})

describe('of two derivations that own the same output', () => {
  // the same file fetched with two different curls
  const source = storePath('source.tar.gz')
  const twice = {
    app: { needs: ['fetch-one', 'lib'] },
    lib: { needs: ['fetch-two'] },
    'fetch-one': { paths: { out: source }, needs: ['curl-one'] },
    'fetch-two': { paths: { out: source }, needs: ['curl-two'] },
    'curl-one': {},
    'curl-two': {},
  }
  test('one of them is missing, and not even the inputs of the other are', async () => {
    const { derivations } = await missingFor(twice, 'app', [])
    expect(derivations).toEqual(drvs('app', 'lib', 'fetch-one', 'curl-one'))
  })
  test('the one that the other needs, as nixpkgs needs the source of curl to fetch it with curl', async () => {
    const sketches = {
      app: { needs: ['fetch'] },
      fetch: { paths: { out: source }, needs: ['curl'] },
      curl: { needs: ['fetch-at-first'] },
      'fetch-at-first': { paths: { out: source } },
    }
    expect((await missingFor(sketches, 'app', [])).derivations).toEqual(drvs('app', 'fetch-at-first'))
  })
  test.each([
    ['has failed', ['fetch-one']],
    ['needs what has failed', ['curl-one']],
  ])('the other one, when the first %s', async (_, obstacles) => {
    const { derivations } = await missingFor(twice, 'app', [], obstacles)
    expect(derivations).toEqual(drvs('app', 'lib', 'fetch-two', 'curl-two'))
  })
  test('both, on two systems: neither waits for the other', async () => {
    const onTwo = { ...twice, 'fetch-two': { paths: { out: source }, system: 'aarch64-linux' } }
    const { derivations } = await missingFor(onTwo, 'app', [])
    expect(derivations).toEqual(drvs('app', 'lib', 'fetch-one', 'curl-one', 'fetch-two'))
  })
  test('neither, when it is cached', async () => {
    expect((await missingFor(twice, 'app', [source])).derivations).toEqual(drvs('app', 'lib'))
  })
})

describe('the caches are asked', () => {
  test('level by level, for each path once', async () => {
    const { questions } = await missingFor(graph, 'app', [])
    expect(questions).toEqual([
      [out('app')],
      [out('lib'), out('tool')].toSorted(),
      [out('libc'), out('source')].toSorted(),
      [out('bootstrap'), out('curl')].toSorted(),
    ])
  })
  test('for nothing below what they have', async () => {
    const { questions } = await missingFor(graph, 'app', [out('lib'), out('tool')])
    expect(questions.flat()).not.toContain(out('libc'))
  })
})

test('a graph that lacks a derivation is not guessed at', async () => {
  await expect(missingFor({ app: { needs: ['gone'] } }, 'app', [])).rejects.toMatchObject({
    name: 'IncompleteGraph',
    message: `${drv('app')} needs ${drv('gone')}, which the evaluator's graph lacks`,
  })
})
