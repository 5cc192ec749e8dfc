import { describe, expect, test } from 'vitest'
import { buildFailure } from '../../../builders/batch/build-messages.ts'
import { importedDerivation, isOutOfMemory, lastError } from '../../../builders/machine/nix-errors.ts'
import { parseStorePath } from '../../../nix/store-path.ts'

const BROKEN = parseStorePath('/nix/store/zx6jl2q0n9ih7ljhkz1vycapn661c7sz-broken.drv')
const OUTPUT = parseStorePath('/nix/store/1pa0a8ckrainjmnrq83i0kxn49kcdlcy-broken')
const derivation = { drvPath: BROKEN, outputs: [OUTPUT] }

describe('why a derivation failed, in the words of each version', () => {
  test.each([
    [
      '2.8 and 2.26, exit code',
      `builder for '${BROKEN}' failed with exit code 3;
last 1 log lines:
> error: builder for '/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-innocent.drv' failed with exit code 9;
For full logs, run 'nix log ${BROKEN}'.`,
      'builder failed with exit code 3',
    ],
    [
      '2.34, exit code',
      `Cannot build '${BROKEN}'.
       Reason: builder failed with exit code 3.
       Output paths:
         ${OUTPUT}
       Last 1 log lines:
       > about to fail
       For full logs, run:
         nix log ${BROKEN}`,
      'builder failed with exit code 3',
    ],
    [
      'every version, wrong hash',
      `hash mismatch in fixed-output derivation '${BROKEN}':
         specified: sha256-zqI91Lh+iwDRn7nMqu+T6XNTxzU+IHDzuvBa6zmV3/Q=
            got:    sha256-CDLArfBUGBRLe18B4UYAeCunowKmBrSeO/JiFLdlwXY=`,
      'hash mismatch in fixed-output derivation: specified: sha256-zqI91Lh+iwDRn7nMqu+T6XNTxzU+IHDzuvBa6zmV3/Q=, got: sha256-CDLArfBUGBRLe18B4UYAeCunowKmBrSeO/JiFLdlwXY=',
    ],
    [
      '2.8, time-out',
      `building of '${BROKEN}!out' from .drv file timed out after 5 seconds`,
      'timed out after 5 seconds',
    ],
    [
      '2.26, silence',
      `building of '${BROKEN}^*' from .drv file timed out after 5 seconds of silence`,
      'timed out after 5 seconds of silence',
    ],
    [
      '2.8 and 2.26, feature',
      `a 'x86_64-linux' with features {quantum} is required to build '${BROKEN}', but I am a 'x86_64-linux' with features {kvm}`,
      `a 'x86_64-linux' with features {quantum} is required to build '${BROKEN}', but I am a 'x86_64-linux' with features {kvm}`,
    ],
    [
      '2.34, system',
      `Cannot build '${BROKEN}'.
       Reason: platform mismatch
       Required system: 'aarch64-darwin' with features {}
       Current system: 'x86_64-linux' with features {kvm}`,
      `platform mismatch; Required system: 'aarch64-darwin' with features {}; Current system: 'x86_64-linux' with features {kvm}`,
    ],
    [
      'named by its output only',
      `output '${OUTPUT}' is not allowed to refer to the following paths:
         /nix/store/hxkmd29bxjplwfizvjaih8yqpgn37qjh-app`,
      `output '${OUTPUT}' is not allowed to refer to the following paths: /nix/store/hxkmd29bxjplwfizvjaih8yqpgn37qjh-app`,
    ],
    [
      'in colour',
      `builder for '\u001b[35;1m${BROKEN}\u001b[0m' failed with exit code \u001b[31;1m3\u001b[0m;`,
      'builder failed with exit code 3',
    ],
  ])('%s', (_, text, message) => {
    expect(buildFailure(text, derivation)).toBe(message)
  })

  test.each([
    [
      'nothing in particular',
      'this system does not support the kernel namespaces that are required for sandboxing',
    ],
    [
      'another derivation',
      "builder for '/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-other.drv' failed with exit code 3",
    ],
  ])('an error about %s does not blame it', (_, text) => {
    expect(buildFailure(text, derivation)).toBeUndefined()
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
