import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

// The slowest of the tests takes half a minute, and ten times as long on a busy machine; without its guard one may hang.
const TIMEOUT_MS = 600_000

/**
 * Runs a program to its end, or until it is stopped with everything that it has started.
 * @returns its status, null when it was killed, and the end of what it said
 */
export async function run(
  folder: string,
  program: string,
  args: string[],
  signal: AbortSignal,
): Promise<{ status: number | null; said: string }> {
  signal.throwIfAborted()
  const child = spawn(program, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
    // a process group of its own, which can be stopped as a whole
    detached: true,
  })
  const { pid } = child
  const stop = (): void => {
    if (pid !== undefined && child.exitCode === null) process.kill(-pid, 'SIGTERM')
  }
  signal.addEventListener('abort', stop)
  const timer = setTimeout(stop, TIMEOUT_MS)
  try {
    const ended = once(child, 'close') as Promise<[number | null]>
    const [out, error, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    signal.throwIfAborted()
    return { status, said: `${out}${error}`.trim().slice(-500) }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
