import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AvailableNix } from '../nix/available-nix.ts'

/** What one command of Nix was started with. */
export interface Started {
  arguments: string
  environment: string
}

/** A folder for PATH whose `nix` is the wanted one, and notes what it is started with. */
export interface SpiedNix {
  path: string
  started(): Started[]
  forget(): void
}

// The newer Nix lies in a Linux of its own, which has no git: that is this machine's, which stands below /mnt there.
const ENTER = `
set -e
root=$1; etc=$2; name=$3; shift 3
mount --rbind / "$root/mnt"
mount --bind "$etc" "$root/etc"
mount --bind /etc/hosts "$root/etc/hosts"
for folder in /nix /tmp /dev /proc; do mount --rbind $folder "$root$folder"; done
cd /
exec chroot "$root" "/usr/bin/$name" "$@"
`
const GIT = `#!/bin/bash
[ -x /mnt/usr/bin/git ] || exec /usr/bin/git "$@"
exec chroot /mnt /bin/bash -c 'cd "$0" && PATH=/usr/bin:/bin exec git "$@"' "$PWD" "$@"
`

export function spyOnNix(folder: string, { root }: AvailableNix): SpiedNix {
  const notes = join(folder, 'started')
  const programs = join(folder, 'programs')
  mkdirSync(programs, { recursive: true })
  const write = (name: string, text: string): void => {
    writeFileSync(join(programs, name), text)
    chmodSync(join(programs, name), 0o755)
  }
  const etc = join(folder, 'etc')
  const enter = join(folder, 'enter.sh')
  writeFileSync(enter, ENTER)
  for (const name of ['nix', 'nix-store', 'nix-daemon']) {
    const run =
      root === undefined
        ? `exec /usr/bin/${name} "$@"`
        : `exec unshare --mount bash ${enter} ${root} ${etc} ${name} "$@"`
    const note = `mkdir -p ${notes}; file=${notes}/$$-$RANDOM$RANDOM
printf '%s\\n' "${name} $*" > $file.arguments; env > $file.environment
printf '%s\\n' $file >> ${notes}/all`
    write(name, `#!/bin/bash\n${note}\n${run}\n`)
  }
  if (root !== undefined) {
    write('git', GIT)
    // Nothing is written there; it has no hosts.
    cpSync(join(root, 'etc'), etc, { recursive: true, verbatimSymlinks: true })
    writeFileSync(join(etc, 'hosts'), '')
  }
  return {
    path: `${programs}:${process.env['PATH'] ?? ''}`,
    started: () =>
      (existsSync(join(notes, 'all')) ? readFileSync(join(notes, 'all'), 'utf8') : '')
        .split('\n')
        .filter((file) => file !== '')
        .map((file) => ({
          arguments: readFileSync(`${file}.arguments`, 'utf8'),
          environment: readFileSync(`${file}.environment`, 'utf8'),
        })),
    forget: () => rmSync(notes, { recursive: true, force: true }),
  }
}
