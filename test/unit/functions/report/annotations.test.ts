import { describe, expect, test } from 'vitest'
import { annotationsOf } from '../../../../functions/report/check-run/annotations.ts'
import { lastError } from '../../../../builders/machine/nix-errors.ts'
import { shell } from './run-reports.ts'

const SOURCE = '/nix/store/m86mdyxhxnfkzqqf4mnrl8wb7v1babdw-source'
const said = (stderr: string): string => lastError(stderr, [[`${SOURCE}/`, '']])
const placesOf = (reason: string) =>
  annotationsOf({ shells: [shell('a', 'failed', { reason })] }).annotations.map(
    ({ path, start_line, start_column }) => [path, start_line, start_column],
  )

describe('an evaluation error is shown at the line that Nix names', () => {
  test.each([
    [
      '2.8',
      said(`error: attribute 'x' missing\n\n       at ${SOURCE}/nix/shells.nix:12:39:\n\n           12|   x`),
      [['nix/shells.nix', 12, 39]],
    ],
    [
      '2.34',
      said(
        `error:\n       … while calling\n         at ${SOURCE}/flake.nix:3:1:\n       error: broken\n       at ${SOURCE}/flake.nix:11:16:`,
      ),
      [['flake.nix', 11, 16]],
    ],
    [
      'a name with a space',
      said(`error: broken\n at ${SOURCE}/my shells/a.nix:2:1:`),
      [['my shells/a.nix', 2, 1]],
    ],
    [
      'of nixpkgs',
      said('error: broken\n at /nix/store/m86mdyxhxnfkzqqf4mnrl8wb7v1babdw-nixpkgs/lib/a.nix:2:1:'),
      [],
    ],
    ['of Nix itself', said('error: broken\n at <nix/derivation-internal.nix>:44:5:'), []],
    ['of another flake', said('error: broken\n at «github:evil/x»/flake.nix:1:1:'), []],
    ['outside of the repository', 'broken\nat ../../etc/passwd:1:1', []],
    ['line 0', 'broken\nat flake.nix:0:1', []],
    ['nowhere', 'broken', []],
  ])('%s', (_, reason, expected) => {
    expect(placesOf(reason)).toEqual(expected)
  })
})

test('once for all shells that say the same, with all of them in its title', () => {
  const reason = "attribute 'x' missing\nat nix/shells.nix:12:39"
  const shells = [
    shell('a', 'failed', { reason }),
    shell('a', 'failed', { reason, system: 'aarch64-darwin' }),
    shell('b', 'failed', { reason: 'other\nat flake.nix:1:1' }),
  ]
  expect(annotationsOf({ shells })).toEqual({
    left: 0,
    annotations: [
      {
        path: 'nix/shells.nix',
        start_line: 12,
        end_line: 12,
        start_column: 39,
        end_column: 39,
        annotation_level: 'failure',
        title: 'devShells.x86_64-linux.a, devShells.aarch64-darwin.a does not evaluate',
        message: reason,
      },
      expect.objectContaining({ path: 'flake.nix', title: 'devShells.x86_64-linux.b does not evaluate' }),
    ],
  })
})

test('of the flake as a whole, too', () => {
  const error = { name: 'FlakeDoesNotEvaluate', message: 'syntax error\nat flake.nix:4:2' }
  expect(annotationsOf({ shells: [], error }).annotations).toMatchObject([
    { path: 'flake.nix', start_line: 4, title: 'This does not evaluate' },
  ])
})

test('not what a build says of itself', () => {
  const broken = shell('a', 'failed', {
    reason: 'exit code 1\nat flake.nix:1:1',
    blame: ['/nix/store/x.drv' as never],
  })
  expect(annotationsOf({ shells: [broken] }).annotations).toEqual([])
})

test('at most 200, which are four calls', () => {
  const shells = Array.from({ length: 210 }, (_, line) =>
    shell(`s${line}`, 'failed', { reason: `broken\nat flake.nix:${line + 1}:1` }),
  )
  const { annotations, left } = annotationsOf({ shells })
  expect([annotations.length, left]).toEqual([200, 10])
})
