import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { stateKeys } from '../../functions/shared/keys.ts'
import { objectsUnder } from '../../functions/shared/list-objects.ts'
import type { Bucket } from '../../functions/shared/objects.ts'
import { killTree, processesWith } from '../process/process-tree.ts'
import type { Stack } from '../stack/stack.ts'
import type { DemoMachine } from './machine.ts'

/** Its role session's name: part of everything that it stages. */
export const MAC_NAME = 'mac-mini-1'

/** A Mac with `hearth worker`, or what passes for one: its Nix is told that this is its system. */
export interface Mac {
  /** Kills the worker and everything that it has started; it begins anew, as launchd has it begin anew. */
  crash: () => void
  close: () => Promise<void>
}

export class NoSignOfLife extends Error {
  override name = 'NoSignOfLife'
}

// 1 s: launchd waits longer, 10 s.
const RESTART_MS = 1000

/**
 * Starts `hearth worker` on a machine, as on any Mac: signed in as a session of the WorkerRole, and nothing else. Resolves when it has shown that it is there, because a
 * run gives no work to a machine that is not.
 * @param say is told what the worker prints, line by line
 * @throws NoSignOfLife when the worker ended instead
 */
export async function startMac(
  machine: DemoMachine,
  system: string,
  { stack, state, say }: { stack: Stack; state: Bucket; say: (line: string) => void },
): Promise<Mac> {
  const marker = randomUUID()
  const [program = '', ...args] = machine.wrap([
    process.execPath,
    join('scripts', 'hearth.ts'),
    'worker',
    '--system',
    system,
    '--hand-back',
  ])
  let isClosed = false
  const start = (): ChildProcess => {
    const started = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: join(machine.folder, 'home'),
        ...stack.environmentFor('WorkerRole', MAC_NAME),
        HEARTH_HEARTBEAT_SECONDS: '1',
        HEARTH_DEMO_MAC: marker,
      },
    })
    // that it stops, as it is told to, is no news
    const hear = (line: string): void => (isClosed ? undefined : say(line))
    for (const stream of [started.stdout, started.stderr]) createInterface({ input: stream }).on('line', hear)
    return started
  }
  let child = start()
  const mac: Mac = {
    crash() {
      child.once('exit', () => {
        setTimeout(() => {
          if (!isClosed) child = start()
        }, RESTART_MS)
      })
      killTree(child.pid, `HEARTH_DEMO_MAC=${marker}`)
    },
    close() {
      isClosed = true
      return stop(child, marker)
    },
  }
  try {
    await signOfLife(child, state, system)
    return mac
  } catch (error) {
    await mac.close()
    throw error
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

async function signOfLife(child: ChildProcess, state: Bucket, system: string): Promise<void> {
  while ((await objectsUnder(state, stateKeys.workers(system))).size === 0) {
    if (hasEnded(child))
      throw new NoSignOfLife(
        `hearth worker ended with ${child.exitCode ?? child.signalCode} instead of waiting for work`,
      )
    await sleep(100)
  }
}

/** SIGTERM to the worker itself: it hands back what it has. `unshare` and the namespaces end with it. */
async function stop(child: ChildProcess, marker: string): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  for (const pid of processesWith(`HEARTH_DEMO_MAC=${marker}`))
    if (pid !== child.pid) process.kill(pid, 'SIGTERM')
  await ended
}
