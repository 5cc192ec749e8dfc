import { describe, expect, test } from 'vitest'
import { buildFailures, startedDerivation } from '../../../builders/batch/build-messages.ts'
import { importedDerivation, isOutOfMemory, lastError } from '../../../builders/machine/nix-errors.ts'
import { parseStorePath } from '../../../nix/store-path.ts'

const BROKEN = parseStorePath('/nix/store/zx6jl2q0n9ih7ljhkz1vycapn661c7sz-broken.drv')
const OUTPUT = parseStorePath('/nix/store/1pa0a8ckrainjmnrq83i0kxn49kcdlcy-broken')
const owners = new Map([[OUTPUT as string, BROKEN]])

describe('which derivation a line says is being built', () => {
  test.each([
    ['local, every version', `building '${BROKEN}'...`, BROKEN],
    ['on another machine', `building '${BROKEN}' on 'ssh://mac'...`, BROKEN],
    ['another line', `running post-build-hook '/tmp/hook'...`, undefined],
    ['quoted from a log', `       > building '${BROKEN}'...`, undefined],
  ])('%s', (_, line, expected) => expect(startedDerivation(line)).toBe(expected))
})

describe('why a derivation failed, in the words of each version', () => {
  test.each([
    [
      '2.8 and 2.26, exit code',
      `error: builder for '${BROKEN}' failed with exit code 3;
       last 1 log lines:
       > error: builder for '/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-innocent.drv' failed with exit code 9;
       For full logs, run 'nix log ${BROKEN}'.
error: 1 dependencies of derivation '/nix/store/9171sd56l5qwizf0mijiv1bgmvl56mfs-needs-broken.drv' failed to build
error: build of '${BROKEN}' failed`,
      'builder failed with exit code 3',
    ],
    [
      '2.34, exit code',
      `error: Cannot build '${BROKEN}'.
       Reason: builder failed with exit code 3.
       Output paths:
         ${OUTPUT}
       Last 1 log lines:
       > about to fail
       For full logs, run:
         nix log ${BROKEN}
error: Cannot build '/nix/store/9171sd56l5qwizf0mijiv1bgmvl56mfs-needs-broken.drv'.
       Reason: 1 dependency failed.
       Output paths:
         /nix/store/md2pqxgdx4ah8lrsnmvsp07p4473c4c9-needs-broken
error: Build failed due to failed dependency`,
      'builder failed with exit code 3',
    ],
    [
      'every version, wrong hash',
      `error: hash mismatch in fixed-output derivation '${BROKEN}':
         specified: sha256-zqI91Lh+iwDRn7nMqu+T6XNTxzU+IHDzuvBa6zmV3/Q=
            got:    sha256-CDLArfBUGBRLe18B4UYAeCunowKmBrSeO/JiFLdlwXY=`,
      'hash mismatch in fixed-output derivation: specified: sha256-zqI91Lh+iwDRn7nMqu+T6XNTxzU+IHDzuvBa6zmV3/Q=, got: sha256-CDLArfBUGBRLe18B4UYAeCunowKmBrSeO/JiFLdlwXY=',
    ],
    [
      '2.8, time-out',
      `error: building of '${BROKEN}!out' from .drv file timed out after 5 seconds`,
      'timed out after 5 seconds',
    ],
    [
      '2.26, silence',
      `error: building of '${BROKEN}^*' from .drv file timed out after 5 seconds of silence`,
      'timed out after 5 seconds of silence',
    ],
    [
      '2.8 and 2.26, feature',
      `error: a 'x86_64-linux' with features {quantum} is required to build '${BROKEN}', but I am a 'x86_64-linux' with features {kvm}`,
      `a 'x86_64-linux' with features {quantum} is required to build '${BROKEN}', but I am a 'x86_64-linux' with features {kvm}`,
    ],
    [
      '2.34, system',
      `error: Cannot build '${BROKEN}'.
       Reason: platform mismatch
       Required system: 'aarch64-darwin' with features {}
       Current system: 'x86_64-linux' with features {kvm}`,
      `platform mismatch; Required system: 'aarch64-darwin' with features {}; Current system: 'x86_64-linux' with features {kvm}`,
    ],
    [
      'named by its output only',
      `error: output '${OUTPUT}' is not allowed to refer to the following paths:
         /nix/store/hxkmd29bxjplwfizvjaih8yqpgn37qjh-app`,
      `output '${OUTPUT}' is not allowed to refer to the following paths: /nix/store/hxkmd29bxjplwfizvjaih8yqpgn37qjh-app`,
    ],
    [
      'in colour',
      `error: builder for '\u001b[35;1m${BROKEN}\u001b[0m' failed with exit code \u001b[31;1m3\u001b[0m;`,
      'builder failed with exit code 3',
    ],
  ])('%s', (_, stderr, message) => {
    expect(buildFailures(stderr, owners)).toEqual([{ drvPath: BROKEN, message }])
  })

  test('an error about nothing in particular blames nobody', () => {
    const stderr =
      'error: this system does not support the kernel namespaces that are required for sandboxing'
    expect(buildFailures(stderr, owners)).toEqual([])
  })
})

describe('the message of an evaluation error', () => {
  test.each([
    [
      '2.8',
      `warning: dirty
error: attribute 'doesNotExist' missing

       at /nix/store/m86mdyxhxnfkzqqf4mnrl8wb7v1babdw-source/nix/shells.nix:12:39:

           11|   evalError = throw "this shell does not evaluate";
           12|   missing  = p.mkShell { packages = [ p.doesNotExist ]; };
             |                                       ^
           13| }
(use '--show-trace' to show detailed location information)`,
      "attribute 'doesNotExist' missing\nat nix/shells.nix:12:39",
    ],
    [
      'newer: below the trace',
      `error:
       … while evaluating the attribute 'drvPath'
         at <nix/derivation-internal.nix>:44:5:
           43|   value = commonAttrs // {
       \u001b[31;1merror:\u001b[0m this shell does not evaluate
       at /nix/store/m86mdyxhxnfkzqqf4mnrl8wb7v1babdw-source/nix/shells.nix:11:16:`,
      'this shell does not evaluate\nat nix/shells.nix:11:16',
    ],
    ['a message of several lines', 'error: first\n       second', 'first\nsecond'],
    ['no error at all', 'warning: nothing', ''],
  ])('%s', (_, stderr, message) => {
    const source = '/nix/store/m86mdyxhxnfkzqqf4mnrl8wb7v1babdw-source/'
    expect(lastError(stderr, [[source, '']])).toBe(message)
  })

  test('is cut when somebody throws a novel', () => {
    expect(lastError(`error: ${'x'.repeat(5000)}`)).toHaveLength(2001)
  })
})

describe('import-from-derivation is recognized', () => {
  test.each([
    [
      '2.8',
      `error: cannot build '${BROKEN}' during evaluation because the option 'allow-import-from-derivation' is disabled`,
    ],
    [
      '2.26',
      `error: cannot build '${BROKEN}^out' during evaluation because the option 'allow-import-from-derivation' is disabled`,
    ],
  ])('%s', (_, stderr) => expect(importedDerivation(stderr)).toBe(BROKEN))

  test('and nothing else is', () =>
    expect(importedDerivation(`error: builder for '${BROKEN}' failed`)).toBeUndefined())
})

describe('an evaluation that ran out of memory', () => {
  test.each([
    ['said so', 'error: out of memory', null, 1, true],
    ['aborted', '', 'SIGABRT' as const, null, true],
    ['aborted below a shell', '', null, 134, true],
    ['failed otherwise', "error: attribute 'x' missing", null, 1, false],
  ])('%s', (_, stderr, signal, status, expected) =>
    expect(isOutOfMemory(stderr, signal, status)).toBe(expected),
  )
})
