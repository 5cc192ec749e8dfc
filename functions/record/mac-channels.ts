import type { NixpkgsPin } from '../shared/contract.ts'

/**
 * The channel of nixpkgs that waits for builds for macOS, for a branch of NixOS/nixpkgs that does not. A channel is a branch that moves to a commit when Hydra has finished certain
 * jobs of it. Source: NixOS/infra, channels.nix, which names the job of each channel, and nixpkgs, pkgs/top-level/release.nix and nixos/release-combined.nix, which say what that
 * waits for:
 *
 * - `nixpkgs-24.05-darwin`: `darwin-tested`, builds for macOS alone; `nixpkgs-unstable`: builds for Linux and for macOS.
 * - `nixos-24.05`, `nixos-24.05-small`, `nixos-24.05-aarch64`, `nixos-unstable`, `nixos-unstable-small`: `tested`, of job sets in which nothing is built for macOS.
 * - `release-24.05` and `master`: no channels, but what these are made of; they wait for nothing.
 *
 * @returns undefined for what waits for macOS, and for every other branch: nobody knows then which channel is meant
 */
export function macChannelInstead(ref: string): string | undefined {
  const release = /^(?:nixos|release)-(\d\d\.\d\d)(?:-small|-aarch64)?$/.exec(ref)?.[1]
  if (release !== undefined) return `nixpkgs-${release}-darwin`
  return /^(?:nixos-unstable(?:-small)?|master)$/.test(ref) ? 'nixpkgs-unstable' : undefined
}

/** A pin that keeps a laptop with macOS from what Hydra has built. */
export interface BadPin {
  input: string
  ref: string
  instead: string
}

/**
 * Which pin of a flake is to blame when packages for macOS are in no upstream. A flake's shells are made of its own inputs as a rule, so those of its inputs count only
 * when it has none itself. Of several the one that is called `nixpkgs` counts. Where one is on a branch for macOS, somebody has thought of it: none is to blame.
 */
export function badPinOf(pins: NixpkgsPin[]): BadPin | undefined {
  const nixpkgs = pins.filter(({ repository }) => repository?.toLowerCase() === 'nixos/nixpkgs')
  const own = nixpkgs.filter(({ input }) => !input.includes('/'))
  const candidates = own.length > 0 ? own : nixpkgs
  if (candidates.some(({ ref = '' }) => /^nixpkgs-.*-darwin$/.test(ref))) return undefined
  const pin = candidates.length === 1 ? candidates[0] : candidates.find(({ input }) => input === 'nixpkgs')
  if (pin?.ref === undefined) return undefined
  const instead = macChannelInstead(pin.ref)
  return instead === undefined ? undefined : { input: pin.input, ref: pin.ref, instead }
}
