import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseStorePath, STORE_DIR, type StorePath } from '../../../nix/store-path.ts'

/**
 * A store of its own under a temporary folder, used by the Nix on PATH: what this machine has in /nix is neither read nor written. Nix keeps the
 * paths `/nix/store/…` and finds their files under `<root>/nix/store` (its "diverted" or chroot store).
 */
export class TemporaryStore {
  readonly root = mkdtempSync(join(tmpdir(), 'hearth-nix-'))
  readonly #environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(this.root, 'home'),
    NIX_CONFIG: [
      'experimental-features = nix-command flakes ca-derivations impure-derivations',
      'substituters =',
      'build-users-group =',
      // The builders of these tests are the shell and the tools of this machine.
      'sandbox-paths = /bin /usr /lib /lib64=/lib64?',
    ].join('\n'),
  }

  /** Runs one of Nix's commands on this store; returns its standard output, byte for byte. */
  bytes(command: string, ...args: string[]): Buffer {
    return this.#run(command, ['--store', join(this.root, 'store'), ...args])
  }

  /** The same as text, without the last newline. */
  text(command: string, ...args: string[]): string {
    return this.bytes(command, ...args)
      .toString()
      .trimEnd()
  }

  /** The same as lines that are store paths. */
  paths(command: string, ...args: string[]): StorePath[] {
    const text = this.text(command, ...args)
    return text === '' ? [] : text.split('\n').map(parseStorePath)
  }

  /** Runs a Nix command that knows no `--store`, or another one. */
  elsewhere(command: string, ...args: string[]): string {
    return this.#run(command, args).toString().trimEnd()
  }

  /** Where the files of a store path are on this machine. */
  onDisk(path: StorePath): string {
    return join(this.root, 'store', path)
  }

  /** Every derivation in the store. */
  derivations(): StorePath[] {
    const names = readdirSync(join(this.root, 'store', STORE_DIR))
    return names.filter((name) => name.endsWith('.drv')).map((name) => parseStorePath(`${STORE_DIR}/${name}`))
  }

  /** The narinfos of a binary cache that Nix wrote under a folder of `root`. */
  narInfos(cache: string): { name: string; text: string }[] {
    const folder = join(this.root, cache)
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.narinfo')) : []
    return names.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }))
  }

  remove(): void {
    // Nix makes the directories of a store read-only; root does not mind, others do.
    if (process.getuid?.() !== 0) execFileSync('chmod', ['-R', 'u+w', this.root])
    rmSync(this.root, { recursive: true, force: true })
  }

  #run(command: string, args: string[]): Buffer {
    try {
      return execFileSync(command, args, {
        env: this.#environment,
        cwd: this.root,
        maxBuffer: 1 << 30,
        stdio: 'pipe',
      })
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw new NixMissing(command)
      throw error
    }
  }
}

class NixMissing extends Error {
  override name = 'NixMissing'
  constructor(command: string) {
    super(
      `${command} is not on PATH, and this test compares Hearth with it: install Nix 2.8 or newer ` +
        `(Debian and Ubuntu: apt-get install nix-bin; elsewhere: https://nixos.org/download)`,
    )
  }
}
