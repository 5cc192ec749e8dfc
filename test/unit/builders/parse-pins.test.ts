import { describe, expect, test } from 'vitest'
import { parsePins } from '../../../builders/evaluation/parse-pins.ts'
import { MOST_PINS } from '../../../functions/shared/nixpkgs-pins.ts'

const REV = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'

/** A node as Nix locks an input of GitHub. */
function github(owner: string, repo: string, original: Record<string, unknown> = {}, inputs?: object) {
  return {
    ...(inputs === undefined ? {} : { inputs }),
    locked: { lastModified: 1717179513, narHash: 'sha256-x', owner, repo, rev: REV, type: 'github' },
    original: { owner, repo, type: 'github', ...original },
  }
}
const nixpkgs = (ref?: string, inputs?: object) =>
  github('NixOS', 'nixpkgs', ref === undefined ? {} : { ref }, inputs)
const lock = (rootInputs: object, nodes: object): string =>
  JSON.stringify({ nodes: { ...nodes, root: { inputs: rootInputs } }, root: 'root', version: 7 })
const names = (text: string) => parsePins(text).map(({ input, ref }) => `${input} ${ref ?? '-'}`)

test('a pin says where it is from, what it follows, and what it is', () => {
  expect(parsePins(lock({ nixpkgs: 'nixpkgs' }, { nixpkgs: nixpkgs('nixos-24.05') }))).toEqual([
    { input: 'nixpkgs', repository: 'NixOS/nixpkgs', ref: 'nixos-24.05', rev: REV, lastModified: 1717179513 },
  ])
})

describe('what counts as nixpkgs', () => {
  test.each([
    ['whatever it is called', { pkgs: nixpkgs('nixos-24.05') }, ['pkgs nixos-24.05']],
    ['without a branch', { nixpkgs: nixpkgs() }, ['nixpkgs -']],
    ['a fork that is called so', { nixpkgs: github('acme', 'nixpkgs') }, ['nixpkgs -']],
    ['not a fork that is called otherwise', { pkgs: github('acme', 'nixpkgs') }, []],
    [
      'the registry’s',
      { nixpkgs: { ...nixpkgs(), original: { id: 'nixpkgs', ref: 'nixos-24.05', type: 'indirect' } } },
      ['nixpkgs nixos-24.05'],
    ],
    [
      'a channel’s tarball',
      {
        pkgs: {
          locked: { type: 'tarball', url: 'https://releases.nixos.org/x/nixexprs.tar.xz' },
          original: { type: 'tarball', url: 'https://channels.nixos.org/nixos-24.05/nixexprs.tar.xz' },
        },
      },
      ['pkgs nixos-24.05'],
    ],
    [
      'a clone',
      {
        pkgs: {
          locked: { type: 'git', url: 'https://github.com/NixOS/nixpkgs.git', rev: REV },
          original: {
            type: 'git',
            url: 'https://github.com/NixOS/nixpkgs.git',
            ref: 'refs/heads/nixos-24.05',
          },
        },
      },
      ['pkgs nixos-24.05'],
    ],
    ['nothing else', { utils: github('numtide', 'flake-utils') }, []],
  ])('%s', (_, nodes, pins) => {
    const [name = ''] = Object.keys(nodes)
    expect(names(lock({ [name]: name }, nodes))).toEqual(pins)
  })
})

describe('inputs of inputs', () => {
  test('come behind the flake’s own, under the names of both', () => {
    const nodes = {
      haskellNix: github(
        'input-output-hk',
        'haskell.nix',
        {},
        { 'nixpkgs-2405': 'n2405', nixpkgs: ['nixpkgs'] },
      ),
      n2405: nixpkgs('nixpkgs-24.05-darwin'),
      nixpkgs: nixpkgs('nixos-24.05'),
    }
    expect(names(lock({ haskellNix: 'haskellNix', nixpkgs: 'nixpkgs' }, nodes))).toEqual([
      'nixpkgs nixos-24.05',
      'haskellNix/nixpkgs-2405 nixpkgs-24.05-darwin',
    ])
  })
  test('that the flake follows are its own', () => {
    const nodes = {
      haskellNix: github(
        'input-output-hk',
        'haskell.nix',
        {},
        { 'nixpkgs-unstable': 'unstable', nixpkgs: ['haskellNix', 'nixpkgs-unstable'] },
      ),
      unstable: nixpkgs('nixpkgs-unstable'),
    }
    expect(names(lock({ haskellNix: 'haskellNix', nixpkgs: ['haskellNix', 'nixpkgs'] }, nodes))).toEqual([
      'nixpkgs nixpkgs-unstable',
    ])
  })
})

describe('a lock that somebody made up', () => {
  test.each([
    ['no JSON', 'Ceci n’est pas un verrou'],
    ['not an object', '[]'],
    ['no nodes', '{"version": 7, "root": "root"}'],
    ['nodes of another kind', '{"version": 7, "root": "root", "nodes": {"root": 1}}'],
    ['a root that is not there', '{"version": 7, "root": "toString", "nodes": {}}'],
    ['inputs that are not there', lock({ nixpkgs: 'constructor', other: ['a', 'b'] }, {})],
    ['inputs that follow each other', lock({ a: ['b'], b: ['a'] }, {})],
    ['an input’s name that is none', lock({ 'nix\npkgs': 'n' }, { n: nixpkgs() })],
  ])('%s has no pins', (_, text) => {
    expect(parsePins(text)).toEqual([])
  })
  test('inputs that follow each other a million times over end', () => {
    const follows = Array.from({ length: 20 }, (_, index) => [
      `a${index}`,
      Array.from({ length: 1000 }, () => `a${index + 1}`),
    ])
    const inputs = { ...Object.fromEntries(follows), a20: 'root', nixpkgs: 'n' }
    expect(names(lock(inputs, { n: nixpkgs('x') }))).toEqual(['nixpkgs x'])
  })
  test('inputs of inputs of inputs have an end', () => {
    const chain = Array.from({ length: 20_000 }, (_, index) => [
      `n${index}`,
      nixpkgs('x', { deeper: `n${index + 1}` }),
    ])
    expect(parsePins(lock({ deeper: 'n0' }, Object.fromEntries(chain)))).toHaveLength(10)
  })
  test('an input that has itself as an input ends', () => {
    expect(names(lock({ a: 'a' }, { a: nixpkgs('x', { again: 'a', root: 'root' }) }))).toEqual(['a x'])
  })
  test.each([
    ['a branch with markup', { ref: 'nixos](https://evil.example)' }],
    ['a branch without end', { ref: 'x'.repeat(201) }],
  ])('%s is left out', (_, original) => {
    expect(names(lock({ nixpkgs: 'n' }, { n: github('NixOS', 'nixpkgs', original) }))).toEqual(['nixpkgs -'])
  })
  test('many of them have an end', () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`n${index}`, nixpkgs()]))
    const inputs = Object.fromEntries(Object.keys(many).map((name) => [name, name]))
    expect(parsePins(lock(inputs, many))).toHaveLength(MOST_PINS)
  })
})
