import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { GUARDS } from '../../../scripts/mutate-guards/guards.ts'
import { missingParts } from '../../../scripts/mutate-guards/test-names.ts'

const TEXT = readFileSync('docs/security.md', 'utf8')

/** Files of this repository: what stands between backticks, and begins with one of its folders. */
const FILES = [
  ...new Set(
    [
      ...TEXT.matchAll(
        /`((?:functions|builders|nix|resources|scripts|statemachines|test|docs|local)\/[\w./-]+\.\w+)`/g,
      ),
    ].map(([, file = '']) => file),
  ),
]

/** Tests: a file between backticks, a colon, and names between quotation marks, with commas between them. */
const TESTS = [...TEXT.matchAll(/`(test\/[\w./-]+)`: ((?:“[^”]+”(?:, )?)+)/g)].flatMap(
  ([, file = '', names = '']) =>
    [...names.matchAll(/“([^”]+)”/g)].map(([, name = '']) => [file, name] as const),
)

describe('docs/security.md names what is there', () => {
  test.each(FILES)('%s', (file) => {
    expect(existsSync(file)).toBe(true)
  })
  test.each(TESTS)('%s: %s', (file, name) => {
    expect(missingParts(readFileSync(file, 'utf8'), name)).toEqual([])
  })
  test('and every quotation is the name of a test', () => {
    expect(TESTS).toHaveLength([...TEXT.matchAll(/“/g)].length)
    expect(TESTS.length).toBeGreaterThan(40)
  })
})

test('every guard that npm run mutate:guards takes out is on the page, and every file of test/adversary/', () => {
  const files = [
    ...GUARDS.map(({ file }) => file),
    ...GUARDS.map(({ test: file }) => file).filter((file) => file.startsWith('test/adversary/')),
  ]
  expect(files.filter((file) => !FILES.includes(file))).toEqual([])
})
