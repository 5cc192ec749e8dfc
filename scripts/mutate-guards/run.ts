import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

// The slowest of the tests takes half a minute; without its guard one may hang.
const TIMEOUT_MS = 300_000

/** Runs a program to its end. @returns its status, null when it was killed, and the end of what it said */
export async function run(
  folder: string,
  program: string,
  args: string[],
  signal: AbortSignal,
): Promise<{ status: number | null; said: string }> {
  const child = spawn(program, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
    timeout: TIMEOUT_MS,
    signal,
  })
  const ended = once(child, 'close') as Promise<[number | null]>
  const [out, error, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { status, said: `${out}${error}`.trim().slice(-500) }
}
