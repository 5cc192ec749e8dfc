import { describe, expect, test } from 'vitest'
import { badPinOf, macChannelInstead } from '../../../../functions/record/mac-channels.ts'
import { macHint } from '../../../../functions/record/mac-hint.ts'
import type { NixpkgsPin } from '../../../../functions/shared/contract.ts'

describe('which channel waits for builds for macOS', () => {
  test.each([
    ['nixos-24.05', 'nixpkgs-24.05-darwin'],
    ['nixos-24.05-small', 'nixpkgs-24.05-darwin'],
    ['nixos-21.05-aarch64', 'nixpkgs-21.05-darwin'],
    ['release-24.11', 'nixpkgs-24.11-darwin'],
    ['nixos-unstable', 'nixpkgs-unstable'],
    ['nixos-unstable-small', 'nixpkgs-unstable'],
    ['master', 'nixpkgs-unstable'],
    // these do
    ['nixpkgs-24.05-darwin', undefined],
    ['nixpkgs-unstable', undefined],
    // no channels, and none is made of them
    ['staging-24.05', undefined],
    ['haskell-updates', undefined],
    ['my-nixos-24.05', undefined],
    ['24.05', undefined],
  ])('instead of %s: %s', (ref, instead) => {
    expect(macChannelInstead(ref)).toBe(instead)
  })
})

const pin = (input: string, ref?: string, repository = 'NixOS/nixpkgs'): NixpkgsPin => ({
  input,
  repository,
  ...(ref === undefined ? {} : { ref }),
})

describe('which pin is to blame', () => {
  test.each<[string, NixpkgsPin[], string | undefined]>([
    ['the only one', [pin('nixpkgs', 'nixos-24.05')], 'nixpkgs'],
    ['the only one, whatever it is called', [pin('pkgs', 'nixos-24.05', 'nixos/nixpkgs')], 'pkgs'],
    [
      'of several the one called nixpkgs',
      [pin('unstable', 'nixos-unstable'), pin('nixpkgs', 'nixos-24.05')],
      'nixpkgs',
    ],
    [
      'of several of other names none',
      [pin('unstable', 'nixos-unstable'), pin('stable', 'nixos-24.05')],
      undefined,
    ],
    [
      'none where one is for macOS',
      [pin('nixpkgs', 'nixos-24.05'), pin('nixpkgs-mac', 'nixpkgs-24.05-darwin')],
      undefined,
    ],
    ['none that waits for macOS', [pin('nixpkgs', 'nixpkgs-unstable')], undefined],
    [
      'an additional nixpkgs-unstable excuses nothing',
      [pin('nixpkgs', 'nixos-24.05'), pin('unstable', 'nixpkgs-unstable')],
      'nixpkgs',
    ],
    ['none without a branch', [pin('nixpkgs')], undefined],
    ['none of a fork', [pin('nixpkgs', 'nixos-24.05', 'acme/nixpkgs')], undefined],
    [
      'not those of inputs, when the flake has one itself',
      [pin('nixpkgs', 'nixpkgs-unstable'), pin('haskellNix/nixpkgs', 'nixos-24.05')],
      undefined,
    ],
    ['that of an input, when it is the only one', [pin('shells/nixpkgs', 'nixos-24.05')], 'shells/nixpkgs'],
    ['none', [], undefined],
  ])('%s', (_, pins, input) => {
    expect(badPinOf(pins)?.input).toBe(input)
  })
})

describe('the hint', () => {
  const BAD = { input: 'nixpkgs', ref: 'nixos-24.05', instead: 'nixpkgs-24.05-darwin' }
  const FOLLOWS =
    'The input nixpkgs follows nixos-24.05, which does not wait for builds for macOS; nixpkgs-24.05-darwin does'
  const NIXOS = 'https://cache.nixos.org'
  const linux = (...names: string[]) => new Map(names.map((name) => [name, NIXOS]))
  const hint = (misses: string[], onLinux: Map<string, string>) =>
    macHint('x86_64-darwin', new Set(misses), onLinux, BAD)

  test('says how many packages an upstream has for Linux, and names three', () => {
    expect(
      hint(
        ['zlib-1.3', 'ffmpeg-7.1', 'own-1', 'llvm-18', 'go-1.22'],
        linux('zlib-1.3', 'ffmpeg-7.1', 'llvm-18', 'go-1.22'),
      ),
    ).toBe(
      `4 packages of this shell had to be built for x86_64-darwin, and cache.nixos.org has the same for Linux (ffmpeg-7.1, go-1.22, llvm-18, …). ${FOLLOWS}.`,
    )
  })
  test('is made of one package, too', () => {
    expect(hint(['ffmpeg-7.1'], linux('ffmpeg-7.1'))).toMatch(/^1 package of this shell had to be built/)
  })
  test.each([
    ['another version', ['ffmpeg-7.0'], linux('ffmpeg-7.1')],
    ['a name without a version, which many things have', ['source'], linux('source')],
    ['packages of one’s own', ['own-1', 'own-2', 'own-3', 'own-4', 'own-5'], linux('ffmpeg-7.1')],
    ['nothing missing', [], linux('ffmpeg-7.1')],
    ['no shell for Linux, and a few missing', ['a-1', 'b-1', 'c-1', 'd-1'], linux()],
  ])('is not there for %s', (_, misses, onLinux) => {
    expect(hint(misses, onLinux)).toBeUndefined()
  })
  test('says less where there is no shell for Linux to compare with', () => {
    expect(hint(['a-1', 'b-1', 'c-1', 'd-1', 'e-1'], linux())).toBe(
      `5 packages of this shell are in no upstream for x86_64-darwin (a-1, b-1, c-1, …). ${FOLLOWS}, and may have those of them that are nixpkgs' own.`,
    )
  })
  test('names every upstream that has some', () => {
    const onLinux = new Map([...linux('a-1'), ['b-1', 'https://cache.iog.io']])
    expect(hint(['a-1', 'b-1'], onLinux)).toContain('cache.nixos.org and cache.iog.io have the same')
  })
})
