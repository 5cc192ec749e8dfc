import { describe, expect, test } from 'vitest'
import { addSamples, byPackage, packageNameOf } from '../../../../functions/record/timings.ts'
import { drv } from '../graphs.ts'

describe('the name of a package is what stands before its version', () => {
  // as `nix-instantiate --eval -E '(builtins.parseDrvName "…").name'` says
  test.each([
    ['hello-2.12', 'hello'],
    ['hello', 'hello'],
    ['python3.11-requests-2.31.0', 'python3.11-requests'],
    ['gcc-wrapper-12.3.0', 'gcc-wrapper'],
    ['nix-shell-env', 'nix-shell-env'],
    ['source', 'source'],
    ['vim-9.0-with-patches', 'vim'],
    ['foo-_bar', 'foo'],
    ['foo--bar', 'foo'],
    ['foo-', 'foo-'],
  ])('%s is %s', (name, expected) => {
    expect(packageNameOf(drv(name))).toBe(expected)
  })
})

const sample = (name: string, seconds: number) => ({ drvPath: drv(name), seconds, system: 'x86_64-linux' })

test('samples of one run go to their packages', () => {
  const samples = [sample('hello-2.12', 3), sample('gcc-12', 900), sample('hello-2.13', 4)]
  expect(byPackage(samples)).toEqual(
    new Map([
      ['hello', [sample('hello-2.12', 3), sample('hello-2.13', 4)]],
      ['gcc', [sample('gcc-12', 900)]],
    ]),
  )
})

describe('the timings of a package', () => {
  const known = { version: 1 as const, samples: [sample('hello-2.11', 5), sample('hello-2.10', 6)] }
  test.each([
    ['begin with the first run', undefined, [sample('hello-2.12', 3)], [3]],
    ['have the newest first', known, [sample('hello-2.12', 3)], [3, 5, 6]],
    ['have a derivation once, however often its run is recorded', known, [sample('hello-2.11', 5)], [5, 6]],
    [
      'are ten at most',
      known,
      Array.from({ length: 9 }, (_, index) => sample(`hello-3.${index}`, index)),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 5],
    ],
  ])('%s', (_, before, samples, seconds) => {
    expect(addSamples(before, samples).samples.map((each) => each.seconds)).toEqual(seconds)
  })
})
