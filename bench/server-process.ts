import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bundleSide } from './bundle.ts'

/** A server of the benchmark that does not start, or does not end. */
export class ServerStuck extends Error {
  override name = 'ServerStuck'
}

/** A server in a process of its own. */
export interface ServerProcess {
  /** `http://127.0.0.1:<port>` */
  endpoint: string
  /** the folder where it keeps everything */
  folder: string
  /** seconds of user and system time so far */
  cpu(): number
  stop(): void
}

const POLL_MS = 20
const MOST_MS = 20_000

/**
 * Starts one of `bench/sides/` that is a server: it keeps everything in a folder, writes its port to the file `port` there when it listens, and removes that file as
 * the last thing that it does. A figure waits for it without an event loop, because everything that it measures blocks.
 */
export function startServer(side: string, folder: string): ServerProcess {
  mkdirSync(folder, { recursive: true })
  const port = join(folder, 'port')
  const child = spawn(process.execPath, [bundleSide(side, folder), folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  child.unref()
  waitUntil(() => existsSync(port) && readFileSync(port, 'utf8') !== '', `${side} does not start`)
  return {
    endpoint: `http://127.0.0.1:${readFileSync(port, 'utf8')}`,
    folder,
    cpu: () => cpuOf(child.pid ?? 0),
    stop() {
      child.kill()
      waitUntil(() => !existsSync(port), `${side} does not end`)
    },
  }
}

// 100: the kernel tells CPU times in these parts of a second, whatever its own clock (`USER_HZ`). Source: proc(5), `/proc/pid/stat`.
const TICKS_PER_SECOND = 100

function cpuOf(pid: number): number {
  // The name, in parentheses, may hold spaces; behind it come the state as field 3, and user and system time as fields 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function waitUntil(holds: () => boolean, otherwise: string): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  for (let waited = 0; !holds(); waited += POLL_MS) {
    if (waited > MOST_MS) throw new ServerStuck(otherwise)
    Atomics.wait(sleeper, 0, 0, POLL_MS)
  }
}

/** Servers of one bench, each with a folder of its own below that of the bench. */
export interface BenchServers {
  serve: (side: string) => ServerProcess
  /** Ends them, and removes the bench's folder. */
  remove: () => void
}

export function benchServers(folder: string): BenchServers {
  const started: ServerProcess[] = []
  return {
    serve(side) {
      const server = startServer(side, join(folder, side))
      started.push(server)
      return server
    },
    remove() {
      for (const server of started) server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
