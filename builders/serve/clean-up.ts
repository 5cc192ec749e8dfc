import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Where Nix builds as root: $TMPDIR, and since 2.30 a folder of its own. Source: Nix, `build-dir`.
const BUILD_FOLDERS = [tmpdir(), '/nix/var/nix/builds']

/**
 * Removes what broken-off builds of a batch have left on a machine on which nobody else builds: processes of Nix's build users, and their temporary folders. Nix does
 * that itself for the builds that it ends; not for those that outlived it.
 */
export function cleanUpAfterBuilds(): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return
  const buildUsers = buildUserIds(readFileSync('/etc/group', 'utf8'), readFileSync('/etc/passwd', 'utf8'))
  for (const id of processesOf(buildUsers)) kill(id)
  for (const folder of BUILD_FOLDERS)
    for (const name of namesIn(folder))
      if (name.startsWith('nix-build-')) rmSync(join(folder, name), { recursive: true, force: true })
}

/** The users that Nix builds as: the members of the group nixbld, by their ids. Sources: group(5), passwd(5). */
export function buildUserIds(group: string, passwd: string): Set<number> {
  const members = /^nixbld:[^:]*:\d+:(.*)$/m.exec(group)?.[1] ?? ''
  const names = new Set(members.split(',').filter((name) => name !== ''))
  const users = passwd.split('\n').map((line) => line.split(':'))
  return new Set(users.filter(([name = '']) => names.has(name)).map(([, , id]) => Number(id)))
}

function processesOf(users: Set<number>): number[] {
  if (users.size === 0) return []
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((id) => users.has(realUserOf(id)))
    .map(Number)
}

/** Source: proc(5), /proc/pid/status, `Uid`: real, effective, saved, file system. */
function realUserOf(processId: string): number {
  try {
    return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1] ?? NaN)
  } catch {
    // it has just ended
    return NaN
  }
}

function kill(processId: number): void {
  try {
    process.kill(processId, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
