import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { killTree } from '../process/process-tree.ts'
import { functionArn, functionLogGroup, type FunctionDefinition } from './function-definition.ts'
import type { FunctionError } from './runtime-protocol.ts'
import { watch, type WatchedProcess } from './watched-process.ts'

/** How one invocation ended. `payload` is JSON. */
export type Outcome =
  | { kind: 'returned'; payload: string }
  | { kind: 'failed'; error: FunctionError | Omit<FunctionError, 'trace'> }

/** One warm process of a function; takes one event at a time, as on Lambda. */
export interface Instance {
  readonly logStream: string
  /** Runs one event. An instance that timed out or crashed is dead afterwards. */
  invoke(requestId: string, payload: string): Promise<Outcome>
  isAlive(): boolean
  /** Ends the process and whatever it started; resolves when it is gone. */
  stop(): Promise<void>
}

export interface InstanceOptions {
  definition: FunctionDefinition
  /** credentials and endpoint; nothing of this machine's own environment is passed on */
  environment: Record<string, string>
  /** where the instance has its /tmp; removed with it */
  temporaryFolder: string
  onLines: (lines: string[]) => void
}

/** What an instance may take to load before Lambda starts again. Source: Lambda developer guide, "Init phase". */
const INIT_MILLISECONDS = 10_000
const RUNTIME = join(import.meta.dirname, 'runtime.ts')

export function startInstance({
  definition,
  environment,
  temporaryFolder,
  onLines,
}: InstanceOptions): Instance {
  const id = randomUUID().replaceAll('-', '')
  const logStream = `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${id}`
  const marker = `HEARTH_LOCAL_INSTANCE=${id}`
  mkdirSync(temporaryFolder, { recursive: true })
  const child = spawn(
    process.execPath,
    // Lambda's client bounds the heap in the same way, so that a leak ends with an error and not with the machine.
    [`--max-old-space-size=${definition.memoryMegabytes}`, '--no-warnings', RUNTIME],
    {
      cwd: definition.codeFolder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        ...environmentOf(definition, logStream),
        ...environment,
        TMPDIR: temporaryFolder,
        HEARTH_LOCAL_INSTANCE: id,
      },
    },
  )
  const process_ = watch(child, onLines)
  let busy = false

  return {
    logStream,
    isAlive: () => process_.ended === undefined && child.exitCode === null && child.signalCode === null,
    async invoke(requestId, payload) {
      if (busy) throw new Error(`instance ${id} of ${definition.name} already has an event`)
      busy = true
      try {
        return await runEvent(child, process_, definition, requestId, payload)
      } finally {
        busy = false
        if (process_.ended !== undefined) killTree(child.pid, marker)
      }
    },
    async stop() {
      killTree(process_.ended === undefined ? child.pid : undefined, marker)
      await process_.closed
      rmSync(temporaryFolder, { recursive: true, force: true })
    },
  }
}

async function runEvent(
  child: ChildProcess,
  watched: WatchedProcess,
  definition: FunctionDefinition,
  requestId: string,
  payload: string,
): Promise<Outcome> {
  const milliseconds = definition.timeoutSeconds * 1000
  const timedOut = (): Outcome => {
    child.kill('SIGKILL')
    watched.ended ??= 'timed out'
    return failed(
      'Sandbox.Timedout',
      `RequestId: ${requestId} Error: Task timed out after ${definition.timeoutSeconds.toFixed(2)} seconds`,
    )
  }
  const loaded =
    watched.loaded ??
    (await watched.next(
      ({ kind }) => kind === 'ready' || kind === 'load-failed',
      INIT_MILLISECONDS + milliseconds,
    ))
  if (loaded === 'timeout') return timedOut()
  if (loaded !== 'ended' && loaded.kind === 'load-failed') {
    child.kill('SIGKILL')
    watched.ended ??= 'load failed'
    return { kind: 'failed', error: loaded.error }
  }
  const answer =
    loaded === 'ended' ? 'ended' : await ask(child, watched, definition, requestId, payload, milliseconds)
  if (answer === 'timeout') return timedOut()
  if (answer === 'ended')
    return failed(
      'Runtime.ExitError',
      `RequestId: ${requestId} Error: Runtime exited with error: ${watched.ended ?? 'unknown'}`,
    )
  await watched.flushed(requestId)
  if (answer.kind === 'returned') return { kind: 'returned', payload: answer.payload }
  if (answer.kind === 'threw') {
    if (answer.fatal) watched.ended ??= 'exited'
    return { kind: 'failed', error: answer.error }
  }
  throw new Error(`${definition.name} answered an event with "${answer.kind}"`)
}

function ask(
  child: ChildProcess,
  watched: WatchedProcess,
  definition: FunctionDefinition,
  requestId: string,
  payload: string,
  milliseconds: number,
): ReturnType<WatchedProcess['next']> {
  const answer = watched.next(
    (message) => 'requestId' in message && message.requestId === requestId,
    milliseconds,
  )
  const deadline = Date.now() + milliseconds
  // A send that fails means that the process has just ended; `next` says so.
  child.send({ requestId, payload, deadline, functionArn: functionArn(definition.name) }, () => {})
  return answer
}

function failed(errorType: string, errorMessage: string): Outcome {
  return { kind: 'failed', error: { errorType, errorMessage } }
}

/** The variables that Lambda defines itself. Source: Lambda developer guide, "Defined runtime environment variables". */
function environmentOf(definition: FunctionDefinition, logStream: string): Record<string, string> {
  return {
    ...definition.environment,
    _HANDLER: definition.handler,
    LAMBDA_TASK_ROOT: definition.codeFolder,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: definition.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMegabytes),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: functionLogGroup(definition.name),
    AWS_LAMBDA_LOG_STREAM_NAME: logStream,
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
  }
}
