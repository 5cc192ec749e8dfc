import { describe, expect, test } from 'vitest'
import { isShell, parseAttribute, pathForSystem } from '../../../../functions/shared/attributes.ts'

describe('an entry of `attributes`, for x86_64-linux', () => {
  test.each([
    ['devShells', ['devShells', 'x86_64-linux']],
    ['packages.hello', ['packages', 'x86_64-linux', 'hello']],
    ['packages.x86_64-linux.hello', ['packages', 'x86_64-linux', 'hello']],
    ['hydraJobs.hello.x86_64-linux', ['hydraJobs', 'hello', 'x86_64-linux']],
    ["checks.hello'.all", ['checks', 'x86_64-linux', "hello'", 'all']],
    ['packages.aarch64-darwin.hello', undefined],
    ['devShells.arm-linux', undefined],
  ])('%s leads to %j', (text, path) => {
    const wanted = parseAttribute(text)
    if (wanted?.kind !== 'flake') throw new Error(`${text} is no attribute of a flake`)
    expect(pathForSystem(wanted, 'x86_64-linux')).toEqual(path)
  })

  test.each([
    ['shell.nix', 'shell.nix', []],
    ['default.nix#tools.hello', 'default.nix', ['tools', 'hello']],
    ['nix/dev-shell.nix', 'nix/dev-shell.nix', []],
    ['a..b/c.nix', 'a..b/c.nix', []],
  ])('%s is a file', (text, file, path) => expect(parseAttribute(text)).toEqual({ kind: 'file', file, path }))

  test.each([
    '',
    'dev shells',
    '"a".b',
    'packages.',
    '.packages',
    'shell.nix#',
    'shell.nix#a b',
    '../shell.nix',
    './shell.nix',
    'nix/../../shell.nix',
    '/etc/shell.nix',
    'shell.nix; rm',
    '.nix',
  ])('%j is refused', (text) => expect(parseAttribute(text)).toBeUndefined())
})

describe('what is entered, and what is installed', () => {
  test.each([
    ['devShells.x86_64-linux.default', true],
    ['devShell.x86_64-linux', true],
    ['shell.nix (x86_64-linux)', true],
    ['nix/shell.nix#ci (x86_64-linux)', true],
    ['packages.x86_64-linux.hello', false],
    ['devShellsOfOthers.x86_64-linux', false],
    ['default.nix#shell (x86_64-linux)', false],
    ['default.nix#a.shell (x86_64-linux)', false],
    ['nutshell.nix (x86_64-linux)', false],
  ])('%s', (attribute, expected) => expect(isShell(attribute)).toBe(expected))
})
