import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { LogStore } from '../logs/log-store.ts'
import { functionLogGroup, type FunctionDefinition } from './function-definition.ts'
import { startInstance, type Instance, type Outcome } from './instance.ts'

export interface InvocationResult {
  requestId: string
  /** JSON: what the handler returned, or its error */
  payload: string
  /** set when the function failed; Lambda calls every such failure `Unhandled` since callbacks are gone */
  functionError?: 'Unhandled'
  /** the end of this invocation's log: at most 4 KiB, as `LogType: Tail` gives it */
  logTail: string
}

export interface FunctionLogEvent {
  kind: 'function-log'
  function: string
  requestId: string | undefined
  lines: string[]
}

/** A function has as many invocations as its reserved concurrency allows. */
export class TooManyRequests extends Error {
  override name = 'TooManyRequests'
}

export interface Functions {
  define(definition: FunctionDefinition): void
  find(name: string): FunctionDefinition | undefined
  /**
   * Runs a function on an idle instance, or on a new one.
   * @param payload JSON
   * @throws TooManyRequests
   */
  invoke(name: string, payload: string): Promise<InvocationResult>
  /** Ends every instance; resolves when no process is left. */
  close(): Promise<void>
}

export interface FunctionsOptions {
  /** instances have their /tmp below it */
  temporaryFolder: string
  logs: LogStore
  /** credentials of the function's role, and the endpoint */
  environmentFor: (definition: FunctionDefinition) => Record<string, string>
  onLog?: (event: FunctionLogEvent) => void
}

/** 6 MB, exactly as Lambda's own error message says it. */
const RESPONSE_LIMIT = 6_291_556
const LOG_TAIL = 4096

export function createFunctions({
  temporaryFolder,
  logs,
  environmentFor,
  onLog,
}: FunctionsOptions): Functions {
  const definitions = new Map<string, FunctionDefinition>()
  const idle = new Map<string, Instance[]>()
  const running = new Map<string, number>()
  const living = new Set<Instance>()
  /** whose log an instance's output belongs to at the moment */
  const current = new Map<Instance, { requestId: string; lines: string[] }>()
  let closing = false

  const start = (definition: FunctionDefinition): Instance => {
    const instance: Instance = startInstance({
      definition,
      environment: environmentFor(definition),
      temporaryFolder: join(temporaryFolder, randomUUID()),
      onLines(lines) {
        const invocation = current.get(instance)
        invocation?.lines.push(...lines)
        logs.append(functionLogGroup(definition.name), instance.logStream, lines)
        onLog?.({ kind: 'function-log', function: definition.name, requestId: invocation?.requestId, lines })
      },
    })
    living.add(instance)
    return instance
  }

  /** An idle instance that still lives; one that ended by itself in the meantime is put away. */
  const takeIdle = async (name: string): Promise<Instance | undefined> => {
    for (let instance = idle.get(name)?.pop(); instance !== undefined; instance = idle.get(name)?.pop()) {
      if (instance.isAlive()) return instance
      living.delete(instance)
      await instance.stop()
    }
    return undefined
  }

  const run = async (definition: FunctionDefinition, payload: string): Promise<InvocationResult> => {
    const requestId = randomUUID()
    const instance = (await takeIdle(definition.name)) ?? start(definition)
    const invocation = { requestId, lines: [] as string[] }
    current.set(instance, invocation)
    const started = performance.now()
    const outcome = limited(await instance.invoke(requestId, payload))
    current.delete(instance)
    const milliseconds = (performance.now() - started).toFixed(2)
    const report = `REPORT RequestId: ${requestId}\tDuration: ${milliseconds} ms\tMemory Size: ${definition.memoryMegabytes} MB`
    const trailer = outcome.kind === 'failed' ? [outcome.error.errorMessage, report] : [report]
    logs.append(functionLogGroup(definition.name), instance.logStream, trailer)
    if (instance.isAlive() && !closing)
      idle.set(definition.name, [...(idle.get(definition.name) ?? []), instance])
    else {
      living.delete(instance)
      await instance.stop()
    }
    const logTail = [...invocation.lines, ...trailer].join('\n').slice(-LOG_TAIL)
    if (outcome.kind === 'returned') return { requestId, payload: outcome.payload, logTail }
    return { requestId, payload: JSON.stringify(outcome.error), functionError: 'Unhandled', logTail }
  }

  return {
    define: (definition) => void definitions.set(definition.name, definition),
    find: (name) => definitions.get(name),
    async invoke(name, payload) {
      const definition = definitions.get(name)
      if (definition === undefined) throw new Error(`there is no function ${name}`)
      if (closing) throw new TooManyRequests('the stack is closing')
      const others = running.get(name) ?? 0
      if (definition.reservedConcurrency !== undefined && others >= definition.reservedConcurrency)
        throw new TooManyRequests('Rate Exceeded.')
      running.set(name, others + 1)
      try {
        return await run(definition, payload)
      } finally {
        running.set(name, (running.get(name) ?? 1) - 1)
      }
    },
    async close() {
      closing = true
      await Promise.all([...living].map((instance) => instance.stop()))
      living.clear()
      idle.clear()
    },
  }
}

function limited(outcome: Outcome): Outcome {
  if (outcome.kind === 'failed' || Buffer.byteLength(outcome.payload) <= RESPONSE_LIMIT) return outcome
  return {
    kind: 'failed',
    error: {
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: `Response payload size exceeded maximum allowed payload size (${RESPONSE_LIMIT} bytes).`,
    },
  }
}
