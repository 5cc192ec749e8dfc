import { AsyncLocalStorage } from 'node:async_hooks'
import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { OutputTooLong } from './errors.ts'

/** How a process ended: by itself with a status, or by a signal. */
export interface Ending {
  status: number | null
  signal: NodeJS.Signals | null
}

export interface RunningProcess {
  /** null when `input` was not asked for */
  stdin: ChildProcess['stdin']
  stdout: Readable
  stderr: Readable
  /** resolves when the process has ended and its output is read; rejects when it could not be started */
  ended: Promise<Ending>
  /** signals the process and everything it started that is still in its process group */
  kill(signal: NodeJS.Signals): void
}

const running = new Set<RunningProcess>()

const stops = new AsyncLocalStorage<AbortSignal>()

/**
 * Whatever process `work` starts, however deep below, is stopped when the signal is aborted, and none is started after that: then the signal's reason
 * is thrown.
 */
export async function stoppedBy<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const outer = stops.getStore()
  return stops.run(outer === undefined ? signal : AbortSignal.any([outer, signal]), work)
}

/**
 * Starts a program in a process group of its own, so that killing it reaches what it started (git, fetchers).
 * @param options `environment`: all that the process sees: nothing is inherited; `name`: what it is told that its own name is
 */
export function startProcess(
  program: string,
  args: string[],
  options: { environment: Record<string, string>; directory?: string; input?: boolean; name?: string },
): RunningProcess {
  const stop = stops.getStore()
  stop?.throwIfAborted()
  const child = spawn(program, args, {
    env: options.environment,
    ...(options.name === undefined ? {} : { argv0: options.name }),
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    stdio: [options.input === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const kill = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    try {
      process.kill(-child.pid, signal)
    } catch (error) {
      // It ended between the look and the signal.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
  const { stdin, stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error(`${program} has no standard output`)
  const ended = new Promise<Ending>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => resolve({ status, signal }))
  })
  const started: RunningProcess = {
    stdin,
    stdout,
    stderr,
    ended,
    kill,
  }
  running.add(started)
  const onStop = (): void => void stopProcesses([started])
  stop?.addEventListener('abort', onStop, { once: true })
  const forget = (): void => {
    running.delete(started)
    stop?.removeEventListener('abort', onStop)
  }
  ended.then(forget, forget)
  return started
}

export interface Output extends Ending {
  stdout: string
  stderr: string
}

/** Runs a program to its end and collects what it says, as UTF-8. */
export async function runProcess(
  program: string,
  args: string[],
  options: { environment: Record<string, string>; directory?: string },
): Promise<Output> {
  const child = startProcess(program, args, options)
  const [ending, stdout, stderr] = await Promise.all([
    child.ended,
    collect(child.stdout),
    collect(child.stderr),
  ])
  return { ...ending, stdout, stderr }
}

// 64 KiB: Nix's own lines have some hundred bytes; what flake code traces or a build prints may be one line of gigabytes.
const LONGEST_LINE = 64 * 1024

/**
 * Calls back for every line, without its end. Of a line that is longer than 64 KiB only the beginning is kept: nothing that a flake or a build prints
 * may cost the builder its life. Resolves when the stream ends.
 */
export async function eachLine(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const decoder = new StringDecoder('utf8')
  let line = ''
  const take = (text: string): void => {
    const [first = '', ...rest] = text.split('\n')
    line = (line + first).slice(0, LONGEST_LINE)
    for (const next of rest) {
      onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
      line = next.slice(0, LONGEST_LINE)
    }
  }
  for await (const chunk of stream) take(decoder.write(chunk as Buffer))
  take(decoder.end())
  if (line !== '') onLine(line)
}

// 5 s: Nix needs well under one to stop its builders; an evaluation in a tight loop ignores SIGTERM altogether.
const GRACE_MILLISECONDS = 5000

/** Stops every process that still runs. */
export async function stopAllProcesses(): Promise<void> {
  await stopProcesses([...running])
}

/** Asks first, so that Nix can stop its builders, then kills. */
async function stopProcesses(processes: RunningProcess[]): Promise<void> {
  for (const process of processes) process.kill('SIGTERM')
  const late = setTimeout(() => {
    for (const process of processes) process.kill('SIGKILL')
  }, GRACE_MILLISECONDS)
  await Promise.allSettled(processes.map(({ ended }) => ended))
  clearTimeout(late)
}

// 256 MiB: the paths of 1,000,000 derivations, or the evaluation of as many attributes.
const LONGEST_OUTPUT = 256 * 1024 * 1024

/** Everything that a stream says, as UTF-8. @throws OutputTooLong: what it says is not what was asked for */
export async function collect(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > LONGEST_OUTPUT) throw new OutputTooLong(LONGEST_OUTPUT)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
