import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface ProcessTimes {
  /** seconds from start to end */
  wall: number
  /** seconds of user and system time of the process and of its children, all cores together */
  cpu: number
  /** what it wrote to standard output */
  printed: string
}

/** A command that was to be measured and failed. */
export class CommandFailed extends Error {
  override name = 'CommandFailed'
}

// Node gives no resource usage of a child; bash's `time` does (getrusage), to the millisecond, and includes every descendant that was waited for.
const SCRIPT = 'TIMEFORMAT="%3R %3U %3S"; times=$1; shift; { time "$@" 2>&3; } 3>&2 2>"$times"'

/**
 * Runs a command to its end and measures it.
 * @throws CommandFailed with the end of what it wrote to standard error
 */
export function timeProcess(command: [program: string, ...args: string[]]): ProcessTimes {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-times-'))
  try {
    const times = join(folder, 'times')
    const run = spawnSync('bash', ['-c', SCRIPT, 'bash', times, ...command], {
      env: { ...process.env, LC_ALL: 'C' },
      maxBuffer: 1 << 30,
      encoding: 'utf8',
    })
    if (run.error !== undefined) throw run.error
    if (run.status !== 0)
      throw new CommandFailed(`${command.join(' ')} failed (${run.status}): ${run.stderr.slice(-2000)}`)
    const [wall = NaN, user = NaN, system = NaN] = readFileSync(times, 'utf8').trim().split(' ').map(Number)
    return { wall, cpu: user + system, printed: run.stdout }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
