import { execFileSync } from 'node:child_process'

/** Nix is not on PATH. */
export class NixMissing extends Error {
  override name = 'NixMissing'
}

/**
 * The version of the Nix on PATH, such as `2.8.0`.
 * @throws NixMissing with the remedy
 */
export function nixVersion(): string {
  try {
    return /\d+\.\d+(\.\d+)?/.exec(execFileSync('nix', ['--version'], { encoding: 'utf8' }))?.[0] ?? 'unknown'
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    throw new NixMissing(
      'nix is not on PATH: install Nix 2.8 or newer (Debian and Ubuntu: apt-get install nix-bin)',
      { cause: error },
    )
  }
}

/** The words of the command that prints derivations as JSON: `nix derivation show` since 2.15, `nix show-derivation` before. */
export function showDerivation(version: string): string[] {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 2 || minor >= 15 ? ['derivation', 'show'] : ['show-derivation']
}

/** Settings with which Nix does no more than it must: no caches to ask, no waiting for the disk. */
export const NIX_OPTIONS = [
  ['--extra-experimental-features', 'nix-command'],
  ['--option', 'substituters', ''],
  ['--option', 'build-users-group', ''],
  ['--option', 'fsync-metadata', 'false'],
].flat()
