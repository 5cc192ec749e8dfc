import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import type { StorePath } from '../nix/store-path.ts'
import { NIX_OPTIONS } from './nix-command.ts'
import type { Command } from './zstd-command.ts'

/**
 * Takes paths from a binary cache in a folder into the store below another one.
 * @param root becomes the folder of `nix/store` and `nix/var`
 * @param home an empty folder
 */
export function importIntoStore(
  cache: string,
  { root, home }: { root: string; home: string },
  paths: StorePath[],
): void {
  const args = ['copy', '--from', `file://${cache}`, '--to', root, '--no-check-sigs', ...paths]
  mkdirSync(home, { recursive: true })
  execFileSync('nix', [...NIX_OPTIONS, ...args], {
    env: { ...process.env, HOME: home },
    stdio: ['ignore', 'ignore', 'pipe'],
    maxBuffer: 1 << 26,
  })
}

/** A command on a machine with this /nix, this home, and these Nix settings: in a mount namespace, which a user without root's rights gets with one of users. */
export function inOwnStore(
  { nix, home, config }: { nix: string; home: string; config: string },
  command: string[],
): Command {
  const unshare = process.getuid?.() === 0 ? '-m' : '-rm'
  const script = 'mount --bind "$0" /nix && export HOME="$1" NIX_CONFIG="$2" && shift 2 && exec "$@"'
  return ['unshare', unshare, 'bash', '-c', script, nix, home, config, ...command]
}
