import type { Capabilities } from './buildable.ts'

/**
 * What the builders of resources/builders.yml can do: one CodeBuild project per Linux system. The features are those that a Nix on Linux
 * has by itself without /dev/kvm. Source: Nix, `Settings::getDefaultSystemFeatures`.
 */
export const builderCapabilities: Capabilities = {
  systems: new Set(['x86_64-linux', 'aarch64-linux']),
  features: new Set(['big-parallel', 'benchmark', 'nixos-test']),
}
