import { describe, expect, test } from 'vitest'
import { table } from '../../../../functions/report/check-run/table.ts'
import { code, codeBlock, link, oneLine, visible } from '../../../../functions/report/check-run/markdown.ts'

describe('text of strangers on a line stands in a code span that it cannot leave', () => {
  test.each([
    ['plain', 'devShells.default', '`devShells.default`'],
    ['a mention', '@everyone look', '`@everyone look`'],
    ['an image', '![x](https://evil.example/x.png)', '`![x](https://evil.example/x.png)`'],
    ['a backtick', 'a`b', '``a`b``'],
    ['backticks at its ends', '`a`', '`` `a` ``'],
    ['many backticks', 'a````b', '`````a````b`````'],
    ['a pipe', 'a|b', '`a|b`'],
    ['lines', 'a\n\n# b', '`a # b`'],
    ['a carriage return', 'a\r# b', '`a # b`'],
    ['text turned around', 'a\u202eb', '`ab`'],
    ['nothing', ' ', ''],
  ])('%s', (_, text, expected) => {
    expect(code(text)).toBe(expected)
  })

  test('and is cut, not through a character', () => {
    expect(oneLine('ab😀cd', 4)).toBe('ab…')
    expect(oneLine('ab😀cd', 6)).toBe('ab😀cd')
  })
})

describe('and in a table cannot leave its cell', () => {
  test.each([
    ['a pipe', 'a|b', '| `a\\|b` |'],
    ['an escaped pipe', 'a\\|b', '| `a\\ \\|b` |'],
    ['a line', 'a\n| b', '| `a \\| b` |'],
  ])('%s', (_, text, expected) => {
    expect(table(['x'], [[code(text)]], 1).split('\n')[2]).toBe(expected)
  })
})

describe('a log stands in a code block that it cannot leave', () => {
  test.each([
    ['plain', 'a\nb', '```text\na\nb\n```'],
    ['a fence of its own', 'a\n```\n@everyone', '````text\na\n```\n@everyone\n````'],
    ['a longer fence', '`````\nx', '``````text\n`````\nx\n``````'],
    ['a fence behind a carriage return', 'a\r```\r\nb', '````text\na\n```\nb\n````'],
    ['colours', '\u001b[31mred\u001b[0m', '```text\n[31mred[0m\n```'],
  ])('%s', (_, text, expected) => {
    expect(codeBlock(text)).toBe(expected)
  })
})

test('what nobody sees is taken out, lines and tabs stay', () => {
  expect(visible('a\tb\n\u200bc\u2028d\u0000')).toBe('a\tb\ncd')
})

test('an address cannot end its link', () => {
  expect(link('log', 'https://x/a) [b](https://evil')).toBe('[log](https://x/a%29%20[b]%28https://evil)')
})
