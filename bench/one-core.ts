import { readFileSync } from 'node:fs'

export type Command = [program: string, ...args: string[]]

/** The command on one core, whatever the machine has: what it uses is then the same in CPU and in wall time, when nobody else is there. */
export function onOneCore(command: Command): Command {
  return ['taskset', '--cpu-list', firstCore(), ...command]
}

/** A core that this process may use: in a container they need not begin with 0. */
function firstCore(): string {
  return /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
}
