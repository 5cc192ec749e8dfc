import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A machine of the demo: namespaces in which /nix and the processes are its own, with its own nix.conf. */
export interface DemoMachine {
  name: string
  folder: string
  /** the command that runs another one on this machine */
  wrap: (command: string[]) => string[]
}

/** Settings that every machine of the demo has; a machine adds its own. */
async function commonSettings(folder: string): Promise<Record<string, string>> {
  return {
    'experimental-features': 'nix-command flakes',
    // Nothing of the demo is in a registry, and the real one cannot be reached offline.
    'flake-registry': join(folder, 'etc', 'registry.json'),
    // Debian's nix-bin makes the build users. Without the group builds run as the sandbox's own user.
    'build-users-group': (await readFile('/etc/group', 'utf8')).includes('\nnixbld:') ? 'nixbld' : '',
    substituters: '',
    // Builders may only take what is signed; it is also Nix's default.
    'require-sigs': 'true',
    sandbox: 'true',
    'sandbox-fallback': 'false',
  }
}

/** Makes a machine with an empty /nix, or finds it again as it was left. */
export async function makeMachine(
  folder: string,
  name: string,
  settings: Record<string, string>,
): Promise<DemoMachine> {
  await mkdir(join(folder, 'nix'), { recursive: true })
  await mkdir(join(folder, 'etc'), { recursive: true })
  await mkdir(join(folder, 'home'), { recursive: true })
  const lines = Object.entries({ ...(await commonSettings(folder)), ...settings }).map(
    ([key, value]) => `${key} = ${value}\n`,
  )
  await writeFile(join(folder, 'etc', 'nix.conf'), lines.join(''))
  await writeFile(join(folder, 'etc', 'registry.json'), '{"flakes":[],"version":2}')
  return {
    name,
    folder,
    // The mounts are private: nobody outside of the namespace sees them, and they end with its last process. Processes have a namespace too,
    // because Nix kills everything that its build users run, and the machines' build users are the same.
    wrap: (command) => [
      'unshare',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      '--',
      'bash',
      '-c',
      'mount --bind "$0/nix" /nix && export NIX_CONF_DIR="$0/etc" && exec "$@"',
      folder,
      ...command,
    ],
  }
}
