import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { DemoMachine } from './machine.ts'

export class MachineCommandFailed extends Error {
  override name = 'MachineCommandFailed'
}

export interface CommandOutput {
  status: number | null
  stdout: string
  stderr: string
}

/** Runs a command on a machine of the demo, with nothing of our own environment but PATH. */
export function onMachine(
  machine: DemoMachine,
  command: string[],
  folder: string = machine.folder,
): Promise<CommandOutput> {
  const [program = '', ...args] = machine.wrap(command)
  const home = join(machine.folder, 'home')
  const child = spawn(program, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      XDG_CACHE_HOME: join(home, '.cache'),
      LC_ALL: 'C.UTF-8',
    },
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) =>
      resolve({
        status,
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: Buffer.concat(err).toString('utf8'),
      }),
    )
  })
}

/** The same, for a command that has no reason to fail. */
export async function mustSucceed(
  machine: DemoMachine,
  command: string[],
  folder?: string,
): Promise<CommandOutput> {
  const output = await onMachine(machine, command, folder)
  if (output.status !== 0)
    throw new MachineCommandFailed(
      `on ${machine.name}: ${command.join(' ')} ended with ${output.status}:\n${output.stderr.trim()}`,
    )
  return output
}
