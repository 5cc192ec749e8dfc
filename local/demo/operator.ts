import { execFile } from 'node:child_process'
import { join } from 'node:path'

export class OperatorCommandFailed extends Error {
  override name = 'OperatorCommandFailed'
}

/**
 * Runs the operator's own command line on a running world.
 * @param folder of the world
 * @returns what it printed
 * @throws OperatorCommandFailed when it printed nothing; its exit code may mean that it found something
 */
export async function operate(folder: string, command: string[]): Promise<string> {
  const args = ['scripts/hearth.ts', '--local', '--folder', join(folder, 'aws'), ...command]
  const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, args, { maxBuffer: 1 << 30 }, (_, stdout, stderr) => {
      resolve({ stdout, stderr })
    })
  })
  if (stdout === '') throw new OperatorCommandFailed(`hearth ${command.join(' ')} said nothing: ${stderr}`)
  return stdout
}
