import { describe, expect, test } from 'vitest'
import { readDerivationClosure } from '../../../nix/derivation-closure.ts'
import { fromBaseName, type StorePath } from '../../../nix/store-path.ts'

const drvPath = (name: string): StorePath => fromBaseName(`0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp-${name}.drv`)

/** A store of derivations that need each other, which counts its reads. */
function storeOf(needs: Record<string, string[]>): { read: (path: StorePath) => string; reads: StorePath[] } {
  const reads: StorePath[] = []
  const files = new Map(
    Object.entries(needs).map(([name, inputs]) => {
      const terms = inputs.map((input) => `("${drvPath(input)}",["out"])`)
      return [drvPath(name), `Derive([],[${terms.join()}],[],"${name}","",[],[])`]
    }),
  )
  const read = (path: StorePath): string => {
    reads.push(path)
    const text = files.get(path)
    if (text === undefined) throw new Error(`no such file: ${path}`)
    return text
  }
  return { read, reads }
}

describe('readDerivationClosure', () => {
  test.each([
    ['no roots', {}, [], []],
    ['a chain', { a: ['b'], b: ['c'], c: [] }, ['a'], ['a', 'b', 'c']],
    [
      'a diamond',
      { app: ['left', 'right'], left: ['base'], right: ['base'], base: [] },
      ['app'],
      ['app', 'left', 'right', 'base'],
    ],
    ['roots that share an input', { a: ['c'], b: ['c'], c: [] }, ['a', 'b'], ['a', 'b', 'c']],
    ['a root that another needs', { a: ['b'], b: [] }, ['b', 'a'], ['b', 'a']],
    ['nothing that is not needed', { a: [], b: [] }, ['a'], ['a']],
  ])('reads each file once: %s', (_, needs, roots, expected) => {
    const store = storeOf(needs)
    const closure = readDerivationClosure(roots.map(drvPath), store.read)
    expect([...closure.keys()]).toEqual(expected.map(drvPath))
    expect(store.reads).toEqual(expected.map(drvPath))
    expect([...closure.values()].map((drv) => drv.system)).toEqual(expected)
  })

  test('passes on what reading a file throws', () => {
    expect(() => readDerivationClosure([drvPath('a')], storeOf({ a: ['gone'] }).read)).toThrow(
      `no such file: ${drvPath('gone')}`,
    )
  })

  test('names the file that is no derivation', () => {
    expect(() => readDerivationClosure([drvPath('a')], () => 'Derive(')).toThrow(
      `${drvPath('a')}: not a derivation: 'Derive([' was expected`,
    )
  })

  test('is deep without a stack', () => {
    const chain = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [`n${i}`, i === 0 ? [] : [`n${i - 1}`]]),
    )
    expect(readDerivationClosure([drvPath('n19999')], storeOf(chain).read).size).toBe(20_000)
  })
})
