import { describe, expect, test } from 'vitest'
import { checkInputsUsed, closureOf, inputPathsOf } from '../../../../functions/publish/inputs.ts'
import type { Caches } from '../../../../functions/shared/caches.ts'
import type { NarInfo } from '../../../../nix/narinfo.ts'
import { drv, graphOf, out, storePath } from '../graphs.ts'

const graph = graphOf({
  app: { needs: ['lib.dev', 'lib', 'tool'], sources: [storePath('source')] },
  lib: { outputs: ['out', 'dev', 'doc'] },
  tool: {},
})

const info = (name: string, references: string[] = []): NarInfo => ({
  storePath: out(name),
  url: 'nar/x',
  compression: 'zstd',
  narHash: `sha256:${name}`,
  narSize: 96,
  references: references.map((reference) => out(reference)),
  signatures: [],
})
/** Caches that hold these, and count how often they are asked for each. */
function cachesWith(...infos: NarInfo[]): Caches & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    find: async (path) => {
      asked.push(path)
      const found = infos.find(({ storePath: held }) => held === path)
      return found === undefined ? undefined : { info: found, where: 'cache' }
    },
    known: () => undefined,
    add: () => undefined,
  }
}

test('a derivation is built from the outputs that it names, and its sources are no outputs', () => {
  expect(inputPathsOf(graph, drv('app'))).toEqual([out('lib', 'dev'), out('lib'), out('tool')])
})

describe('the run-time closure of its inputs', () => {
  test('is what clients see, each path asked for once, also around a circle of one', async () => {
    const caches = cachesWith(info('lib', ['libc', 'lib']), info('tool', ['libc']), info('libc', ['libc']))
    const closure = await closureOf(caches, [out('lib'), out('tool'), out('lib')])
    expect([...closure.keys()]).toEqual([out('lib'), out('tool'), out('libc')])
    expect(caches.asked).toEqual([out('lib'), out('tool'), out('libc')])
  })
  test('must be there', async () => {
    await expect(closureOf(cachesWith(info('lib', ['libc'])), [out('lib')])).rejects.toMatchObject({
      name: 'InputNotPublished',
      retryable: true,
      message: `it was built on ${out('libc')}, which is neither in the cache nor in a declared upstream`,
    })
  })
  test('of nothing is nothing', async () => {
    expect(await closureOf(cachesWith(), [])).toEqual(new Map())
  })
})

describe('a result counts when it was built on the published bytes', () => {
  const closure = new Map([
    [out('lib'), info('lib')],
    [out('tool'), info('tool')],
  ])
  const published = { [out('lib')]: 'sha256:lib', [out('tool')]: 'sha256:tool' }
  test.each<[string, Record<string, string>, string | undefined]>([
    ['all of them', published, undefined],
    ['all of them, and more', { ...published, [storePath('source')]: 'sha256:x' }, undefined],
    [
      'one with other bytes',
      { ...published, [out('tool')]: 'sha256:other' },
      `it was built on ${out('tool')} with sha256:other, and published is sha256:tool`,
    ],
    [
      'one left out',
      { [out('lib')]: 'sha256:lib' },
      `it was built on ${out('tool')} with no NarHash given, and published is sha256:tool`,
    ],
  ])('%s', (_, used, message) => {
    const check = () => {
      checkInputsUsed(closure, used)
    }
    if (message === undefined) expect(check).not.toThrow()
    else expect(check).toThrow(message)
  })
})
