import { beforeEach, describe, expect, test } from 'vitest'
import { addTimings, packageNameOf, readTimings } from '../../../../functions/shared/timings.ts'
import { Buckets } from '../buckets.ts'
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

const sample = (name: string, seconds: number, system = 'x86_64-linux') => ({
  drvPath: drv(name),
  seconds,
  system,
})

let buckets: Buckets
beforeEach(() => {
  buckets = new Buckets()
})
const state = () => buckets.bucket('state')
const secondsOf = async (name: string): Promise<number[]> =>
  (await readTimings(state()))(drv(name)).map(({ seconds }) => seconds)

test('samples of one run go to their packages, on their systems', async () => {
  await addTimings(state(), [
    sample('hello-2.12', 3),
    sample('gcc-12', 900),
    sample('hello-2.13', 4, 'aarch64-linux'),
  ])
  const timings = await readTimings(state())
  expect(timings(drv('hello-2.14'))).toEqual([
    { system: 'x86_64-linux', seconds: 3 },
    { system: 'aarch64-linux', seconds: 4 },
  ])
  expect(timings(drv('gcc-13'))).toEqual([{ system: 'x86_64-linux', seconds: 900 }])
})

describe('the timings of a package', () => {
  test.each<[string, ReturnType<typeof sample>[], ReturnType<typeof sample>[], number[]]>([
    ['begin with the first run', [], [sample('hello-2.12', 3)], [3]],
    [
      'have the newest first',
      [sample('hello-2.11', 5), sample('hello-2.10', 6)],
      [sample('hello-2.12', 3)],
      [3, 5, 6],
    ],
    [
      'have a derivation once, however often its run is recorded',
      [sample('hello-2.11', 5), sample('hello-2.10', 6)],
      [sample('hello-2.11', 5)],
      [5, 6],
    ],
    [
      'are five at most',
      [sample('hello-2.11', 5), sample('hello-2.10', 6)],
      Array.from({ length: 4 }, (_, index) => sample(`hello-3.${index}`, index)),
      [0, 1, 2, 3, 5],
    ],
  ])('%s', async (_, before, samples, seconds) => {
    await addTimings(state(), before)
    await addTimings(state(), samples)
    expect(await secondsOf('hello-9')).toEqual(seconds)
  })

  test.each(['constructor', '__proto__', 'toString'])('of a package called %s are its own', async (name) => {
    expect(await secondsOf(name)).toEqual([])
    await addTimings(state(), [sample(name, 7)])
    expect(await secondsOf(name)).toEqual([7])
  })
})

test('what several runs add at the same moment is all there', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `package${String.fromCodePoint(97 + index)}-1.0`)
  await Promise.all(names.map((name, index) => addTimings(state(), [sample(name, index)])))
  expect(await Promise.all(names.map(secondsOf))).toEqual(names.map((_, index) => [index]))
})

test('a run that built nothing writes nothing', async () => {
  await addTimings(state(), [])
  expect(buckets.written).toEqual([])
})
