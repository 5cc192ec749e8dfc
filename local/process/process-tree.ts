import { readdirSync, readFileSync } from 'node:fs'

/**
 * Kills a process group and everything that left it: descendants in groups of their own (Nix gives every build its own session) and
 * orphans that still carry `marker` in their environment. On systems without /proc only the group is killed.
 * @param leader a process that leads its own group (spawned `detached`); none when it ended long ago, since its number may be another's by now
 * @param marker `NAME=value`, unique to this tree
 */
export function killTree(leader: number | undefined, marker: string): void {
  // A child may be born while its parent is being killed: look again until a look finds nobody. 20 rounds outlast any chain of forks.
  for (let round = 0; round < 20; round += 1) {
    const descendants = leader === undefined ? [] : descendantsOf(leader)
    const found = [...descendants, ...processesWith(marker)].filter((pid) => pid !== process.pid)
    if (leader !== undefined) signal(-leader)
    if (found.length === 0) return
    for (const pid of new Set(found)) signal(pid)
  }
}

/** Whether `pid` is a living process (a zombie is not). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return statusOf(pid)?.state !== 'Z'
}

/** The living processes whose environment has `marker`, `NAME=value`. */
export function processesWith(marker: string): number[] {
  return allProcesses().filter((pid) => {
    if (statusOf(pid)?.state === 'Z') return false
    try {
      return `\0${readFileSync(`/proc/${pid}/environ`, 'utf8')}`.includes(`\0${marker}\0`)
    } catch {
      return false // it ended, or it belongs to somebody else
    }
  })
}

/** The living processes that a process has started, directly or not. */
export function descendantsOf(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const pid of allProcesses()) {
    const status = statusOf(pid)
    if (status !== undefined && status.state !== 'Z')
      children.set(status.parent, [...(children.get(status.parent) ?? []), pid])
  }
  const found: number[] = []
  for (
    let queue = children.get(root) ?? [];
    queue.length > 0;
    queue = queue.flatMap((pid) => children.get(pid) ?? [])
  )
    found.push(...queue)
  return found
}

/** `/proc/<pid>/stat` is `pid (name) state parent …`; the name may hold spaces and parentheses. Source: proc(5). */
function statusOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: state ?? '', parent: Number(parent) }
  } catch {
    return undefined
  }
}

function allProcesses(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return [] // no /proc: macOS
  }
}

function signal(target: number): void {
  try {
    process.kill(target, 'SIGKILL')
  } catch (error) {
    // ESRCH: it is gone already. EPERM: it became another user's (sudo, a daemon's build), and is not ours to end.
    const expected =
      error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')
    if (!expected) throw error
  }
}
