import { setTimeout as sleep } from 'node:timers/promises'
import { DescribeExecutionCommand, ExecutionDoesNotExist } from '@aws-sdk/client-sfn'
import type { Deployment } from '../deployment.ts'
import { formatLive } from './format-live.ts'
import type { LiveRun } from './live-run.ts'
import { readLive } from './read-live.ts'
import { showRun, whereItIs } from './show.ts'

// A look costs some ten requests. A terminal is looked at every 2 seconds, a log file now and then.
const TERMINAL_MS = 2000
const LINES_MS = 10_000

/**
 * `hearth run watch`: what a run is doing, until it ends; then how it ended. On a terminal one picture that is drawn over and over; elsewhere a line for
 * each system whenever its numbers have changed; with --json a document a line.
 * @param isFresh it has just been started
 * @returns the exit code: that of `hearth run show`
 */
export async function watchRun(
  deployment: Deployment,
  run: string,
  { json, isFresh = false }: { json: boolean; isFresh?: boolean },
): Promise<number> {
  const isTerminal = process.stdout.isTTY && !json
  const draw = isTerminal ? drawOver(process.stdout) : tellChanges(json)
  while (await isRunning(deployment, run, isFresh)) {
    const live = await readLive(deployment, run)
    draw(live, live === undefined ? `${run}: in ${(await whereItIs(deployment, run)).state}` : '')
    await sleep(isTerminal ? TERMINAL_MS : LINES_MS)
  }
  if (isTerminal) draw(undefined, '')
  return showRun(deployment, run, json)
}

async function isRunning({ sfn, executionArn }: Deployment, run: string, isFresh: boolean): Promise<boolean> {
  try {
    const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn: executionArn(run) }))
    return status === 'RUNNING'
  } catch (error) {
    // DescribeExecution is eventually consistent: right after its start an execution may not be known yet
    if (isFresh && error instanceof ExecutionDoesNotExist) return true
    throw error
  }
}

type Draw = (live: LiveRun | undefined, otherwise: string) => void

function drawOver(terminal: { write: (text: string) => unknown; columns?: number; rows?: number }): Draw {
  let drawn = 0
  return (live, otherwise) => {
    const all = live === undefined ? [otherwise] : formatLive(live)
    const lines = all.slice(0, (terminal.rows ?? 24) - 1)
    const back = drawn === 0 ? '' : `\u001b[${drawn}A\u001b[J`
    terminal.write(back + lines.map((line) => `${line}\n`).join(''))
    drawn = lines.length
  }
}

function tellChanges(json: boolean): Draw {
  let told = ''
  return (live, otherwise) => {
    if (json && live !== undefined) console.log(JSON.stringify(live))
    if (json) return
    const text = live === undefined ? otherwise : formatLive(live).join('\n')
    if (text !== told) console.log(text)
    told = text
  }
}
