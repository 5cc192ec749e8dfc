import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { GUARDS } from '../../../scripts/mutate-guards/guards.ts'
import { missingParts, patternOf } from '../../../scripts/mutate-guards/test-names.ts'

const read = (file: string): string => readFileSync(file, 'utf8')
const cuts = GUARDS.flatMap(({ name, covered, ...cut }) => [
  { name, ...cut },
  ...(covered === undefined ? [] : [{ name: `${name}: ${covered.by}`, ...covered }]),
])

describe('npm run mutate:guards takes out what is there', () => {
  test.each(cuts.map((cut) => [cut.name, cut] as const))('%s', (_, { file, text, without }) => {
    expect(read(file).split(text).length - 1, `times in ${file}: ${text}`).toBe(1)
    expect(without).not.toBe(text)
  })
})

describe('and runs tests that are there', () => {
  test.each(GUARDS.map((guard) => [guard.name, guard] as const))('%s', (_, { test: file, only = [] }) => {
    const source = read(file)
    expect(only.flatMap((name) => missingParts(source, name))).toEqual([])
  })
})

test('no two guards have one name', () => {
  const names = GUARDS.map(({ name }) => name)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

describe('the pattern for some names', () => {
  test.each([
    [['2^53 - 1 bytes (all)'], 'a NAR of 2^53 - 1 bytes (all)', true],
    [['2^53 - 1 bytes'], 'a NAR of 2 53 - 1 bytes', false],
    [['a builder may not > read'], 'a builder may not read staging', true],
    [['a builder may not > read'], 'a reader may not read staging', false],
    [['one', 'two'], 'number two', true],
  ])('%j: %s', (names, name, expected) => {
    expect(new RegExp(patternOf(names)).test(name)).toBe(expected)
  })
})
