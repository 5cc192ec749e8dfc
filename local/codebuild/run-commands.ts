import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readLines } from '../process/lines.ts'
import { killTree } from '../process/process-tree.ts'
import {
  BEGINNING,
  buildScript,
  parseScriptEvent,
  type Position,
  type ScriptEvent,
  type ShellState,
} from './build-script.ts'
import type { Buildspec } from './buildspec.ts'
import type { Machine } from './project.ts'

/** The machine, or the shell on it, is gone without having said so. */
export class BuildContainerDied extends Error {
  override name = 'BuildContainerDied'
}

export interface CommandRun {
  buildspec: Buildspec
  machine: Machine
  /** the build's own folder; scripts and the shell's state are written there */
  folder: string
  /** where the commands begin */
  directory: string
  environment: Record<string, string>
  /** `NAME=value` in the environment, unique to the build: finds processes that left its group */
  marker: string
  signal: AbortSignal
  onEvent: (event: ScriptEvent) => void
  onLines: (lines: string[]) => void
  onStart: (pid: number) => void
}

/**
 * Runs a build's commands on its machine, in a process group of their own. When they end, and when `signal` aborts, nothing of them is left.
 * @throws BuildContainerDied, and the signal's reason
 */
export async function runCommands(run: CommandRun): Promise<void> {
  let next: { from: Position; takesUp: ShellState | undefined } | undefined = {
    from: BEGINNING,
    takesUp: undefined,
  }
  for (let shell = 1; next !== undefined; shell += 1) {
    const leaves = {
      environment: join(run.folder, `environment-${shell}`),
      directory: join(run.folder, `directory-${shell}`),
    }
    const from = await runShell(run, next.from, leaves, next.takesUp)
    next = from === undefined ? undefined : { from, takesUp: leaves }
  }
}

/** @returns where another shell has to go on, when a command ended this one */
async function runShell(
  run: CommandRun,
  from: Position,
  leaves: ShellState,
  takesUp: ShellState | undefined,
): Promise<Position | undefined> {
  const { buildspec, folder, machine, marker, signal } = run
  signal.throwIfAborted()
  const nonce = `hearth${randomUUID().replaceAll('-', '')}`
  const script = join(folder, 'build.sh')
  writeFileSync(script, buildScript({ buildspec, from, leaves, takesUp, nonce }))
  const [command = 'bash', ...words] = machine.wrap(['bash', script])
  const child = spawn(command, words, {
    cwd: run.directory,
    env: run.environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const pid = child.pid
  const kill = (): void => {
    if (pid !== undefined) killTree(pid, marker)
  }
  signal.addEventListener('abort', kill, { once: true })
  let position: Position | undefined = from
  const onEvent = (event: ScriptEvent): void => {
    position = follow(position ?? from, event)
    run.onEvent(event)
  }
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`it did not start: ${error.message}`))
    child.once('exit', (code, exitSignal) => resolve(exitSignal ?? `exit status ${code ?? 0}`))
  })
  if (pid !== undefined) run.onStart(pid)
  const outputs = [child.stdout, child.stderr].map((stream) =>
    readLines(stream, separate(nonce, buildspec, onEvent, run.onLines)),
  )
  const how = await ended
  // Whatever the commands left running goes with their container, and would otherwise keep the output open.
  kill()
  await Promise.all(outputs)
  signal.removeEventListener('abort', kill)
  signal.throwIfAborted()
  if (position === undefined) return undefined
  // The shell's own exit leaves its state behind; a kill does not.
  if (!existsSync(leaves.directory)) throw new BuildContainerDied(`Build container died: ${how}`)
  const status = Number(/^exit status (\d+)$/.exec(how)?.[1] ?? 1)
  return { ...position, status: position.status === 0 ? status : position.status }
}

/** Where the build stands after an event; undefined when it is over. */
function follow(position: Position, event: ScriptEvent): Position | undefined {
  if (event.kind === 'finished') return undefined
  if (event.kind === 'command')
    // Counted when it begins: if it ends the shell, the next one goes on behind it.
    return { ...position, phase: event.phase, done: { ...position.done, [event.list]: event.index + 1 } }
  if (event.kind === 'phase-started') return { ...BEGINNING, phase: event.phase }
  return position
}

/** Tells the script's own lines from the commands', and drops the empty line that the script puts before its own. */
function separate(
  nonce: string,
  buildspec: Buildspec,
  onEvent: (event: ScriptEvent) => void,
  onLines: (lines: string[]) => void,
): (lines: string[]) => void {
  let heldBack = false
  return (lines) => {
    const output: string[] = []
    for (const line of lines) {
      const event = parseScriptEvent(line, nonce, buildspec)
      if (event === undefined && heldBack) output.push('')
      heldBack = line === ''
      if (event !== undefined) {
        if (output.length > 0) onLines(output.splice(0))
        onEvent(event)
      } else if (line !== '') output.push(line)
    }
    if (output.length > 0) onLines(output)
  }
}
