import { describe, expect, test } from 'vitest'
import { referencesFirst } from '../../../../functions/publish/references-first.ts'
import { out } from '../graphs.ts'

/** Outputs by what they refer to: `{ bin: ['lib'], lib: [] }`. */
function outputs(sketch: Record<string, string[]>) {
  return Object.entries(sketch).map(([name, references]) => ({
    storePath: out('a', name),
    references: references.map((reference) => out('a', reference)),
  }))
}
const names = (sketch: Record<string, string[]>) =>
  referencesFirst(outputs(sketch)).map(({ storePath }) => storePath)

describe('each output after those that it refers to', () => {
  test.each<[string, Record<string, string[]>, string[]]>([
    ['none', {}, []],
    ['one', { out: [] }, ['out']],
    ['one that refers to itself', { out: ['out'] }, ['out']],
    ['two in order', { lib: [], bin: ['lib'] }, ['lib', 'bin']],
    ['two the other way round', { bin: ['lib'], lib: [] }, ['lib', 'bin']],
    ['a chain', { a: ['b'], b: ['c'], c: ['d'], d: [] }, ['d', 'c', 'b', 'a']],
    ['a diamond', { top: ['l', 'r'], l: ['base'], r: ['base', 'r'], base: [] }, ['base', 'l', 'r', 'top']],
    ['one that refers to what is none of them', { out: ['elsewhere'] }, ['out']],
  ])('%s', (_, sketch, expected) => {
    expect(names(sketch)).toEqual(expected.map((name) => out('a', name)))
  })
})

describe('a circle has no order', () => {
  test.each<[string, Record<string, string[]>, string[]]>([
    ['of two', { bin: ['lib'], lib: ['bin'] }, ['bin', 'lib']],
    ['of three, beside one that is in none', { a: ['b'], b: ['c'], c: ['a'], d: [] }, ['a', 'b', 'c']],
  ])('%s', (_, sketch, circle) => {
    expect(() => names(sketch)).toThrow(
      expect.objectContaining({
        name: 'StagedResultInvalid',
        message: `these outputs refer to each other in a circle: ${circle.map((name) => out('a', name)).join(', ')}`,
      }) as Error,
    )
  })
})
