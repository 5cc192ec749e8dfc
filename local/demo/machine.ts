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
    'build-users-group': 'nixbld',
    substituters: '',
    // Builders may only take what is signed; it is also Nix's default.
    'require-sigs': 'true',
    sandbox: 'true',
    'sandbox-fallback': 'false',
  }
}

// The mounts are private: nobody outside of the namespace sees them, and they end with its last process. Processes have a namespace too, because Nix
// kills everything that its build users run, and the machines' build users are the same.
const NAMESPACES = [
  'unshare',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  '--',
  'bash',
  '-ec',
]

/** $0 is the machine's folder, and the rest the command. */
const ENTER = `
mount --bind "$0/nix" /nix
mount --bind "$0/etc/passwd" /etc/passwd
mount --bind "$0/etc/group" /etc/group
export NIX_CONF_DIR="$0/etc"
exec "$@"`

/**
 * $1 is the root folder of a Linux whose programs the machine has. Nothing is written there: the machine's root is a folder in memory with /usr and /etc of it,
 * and everything else the machine's own. Nix builds sandboxed after `pivot_root`; after `chroot` the kernel gives it no namespaces.
 */
const ENTER_ROOT = `
root=$1
here=$PWD
shift
mount -t tmpfs tmpfs "$0/root"
cd "$0/root"
mkdir -p usr etc dev proc tmp var/empty nix host ".$0"
for link in bin sbin lib lib64; do ln -s "usr/$link" "$link"; done
mount --bind "$root/usr" usr
mount --bind "$root/etc" etc
mount --rbind /dev dev
mount -t proc proc proc
mount --bind "$0" ".$0"
mount --bind "$0/nix" nix
mount --bind "$0/etc/passwd" etc/passwd
mount --bind "$0/etc/group" etc/group
pivot_root . host
umount -l /host
cd "$here"
export NIX_CONF_DIR="$0/etc"
exec "$@"`

/**
 * Makes a machine with an empty /nix, or finds it again as it was left.
 * @param root of a Linux with merged /usr whose programs it has, such as a newer Nix; without it those of this machine
 */
export async function makeMachine(
  folder: string,
  name: string,
  settings: Record<string, string>,
  root?: string,
): Promise<DemoMachine> {
  const own = ['nix', 'etc', 'home', ...(root === undefined ? [] : ['root'])]
  for (const part of own) await mkdir(join(folder, part), { recursive: true })
  const lines = Object.entries({ ...(await commonSettings(folder)), ...settings }).map(
    ([key, value]) => `${key} = ${value}\n`,
  )
  await writeFile(join(folder, 'etc', 'nix.conf'), lines.join(''))
  await writeFile(join(folder, 'etc', 'registry.json'), '{"flakes":[],"version":2}')
  await addBuildUsers(join(folder, 'etc'))
  return {
    name,
    folder,
    wrap: (command) =>
      root === undefined
        ? [...NAMESPACES, ENTER, folder, ...command]
        : [...NAMESPACES, ENTER_ROOT, folder, root, ...command],
  }
}

// As many as builds run at once, and more. The ids are nobody's: a Nix outside kills whatever its own build users run, in the namespaces below it, too.
const BUILD_GROUP = 52_000
const BUILD_USERS = Array.from({ length: 10 }, (_, index) => ({
  name: `nixbld${index + 1}`,
  id: BUILD_GROUP + 1 + index,
}))

/**
 * Writes this machine's users, with those that Nix builds as, in place of what the computer has of them: Debian's `nix-bin` alone makes none, and without them a
 * sandboxed build is root outside of its sandbox, and may change what it is built from.
 */
async function addBuildUsers(folder: string): Promise<void> {
  const [passwd, group] = await Promise.all(
    ['/etc/passwd', '/etc/group'].map((file) => readFile(file, 'utf8')),
  )
  const users = BUILD_USERS.map(
    ({ name, id }) => `${name}:x:${id}:${BUILD_GROUP}:Nix build user:/var/empty:/usr/sbin/nologin\n`,
  )
  const members = BUILD_USERS.map(({ name }) => name).join(',')
  await writeFile(join(folder, 'passwd'), withoutBuildUsers(passwd) + users.join(''))
  await writeFile(join(folder, 'group'), `${withoutBuildUsers(group)}nixbld:x:${BUILD_GROUP}:${members}\n`)
}

function withoutBuildUsers(file = ''): string {
  return file.replaceAll(/^nixbld.*\n?/gm, '')
}
