import { describe, expect, test } from 'vitest'
import { nixString, parseTraceAnswer, showPath } from '../../../builders/evaluation/expressions.ts'

describe('a string in the Nix language', () => {
  test.each([
    ['plain', 'plain', '"plain"'],
    ['quotes', 'say "hi"', '"say \\"hi\\""'],
    ['a backslash', 'a\\b', '"a\\\\b"'],
    ['what would be an interpolation', '${builtins.abort "x"}', '"\\${builtins.abort \\"x\\"}"'],
  ])('%s', (_, text, expected) => expect(nixString(text)).toBe(expected))
})

describe('an attribute path, as people write it', () => {
  test.each([
    [['devShells', 'x86_64-linux', 'default'], 'devShells.x86_64-linux.default'],
    [['devShells', 'x86_64-linux', 'ghc-9.10'], 'devShells.x86_64-linux."ghc-9.10"'],
  ])('%j', (path, expected) => expect(showPath(path)).toBe(expected))
})

describe('a trace line', () => {
  const drvPath = '/nix/store/zx6jl2q0n9ih7ljhkz1vycapn661c7sz-broken.drv'
  test.each([
    ['an answer', `trace: marker {"drvPath":"${drvPath}","index":2}`, { index: 2, drvPath }],
    ['one that threw', 'trace: marker {"index":3}', { index: 3 }],
    ['no derivation', 'trace: marker {"index":3,"isOther":true}', { index: 3, isOther: true }],
    ['one whose drvPath is no string', 'trace: marker {"drvPath":{},"index":3}', { index: 3 }],
    ['the flake’s own', `trace: {"drvPath":"${drvPath}","index":2}`, undefined],
    ['cut short by a kill', 'trace: marker {"drvPath":"/nix/sto', undefined],
  ])('%s', (_, line, expected) => expect(parseTraceAnswer(line, 'marker ')).toEqual(expected))
})
