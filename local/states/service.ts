import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { readBody } from '../gateway/request-body.ts'
import type { Call, Service } from '../gateway/service.ts'
import { Activities } from './activities.ts'
import { ApiError } from './api/api-error.ts'
import type { Operation, World } from './api/operation.ts'
import { OPERATIONS } from './api/operations.ts'
import { wallClock, type Clock } from './clock.ts'
import { Executions } from './executions.ts'
import type { HistoryEvent } from './history.ts'
import type { Integrations } from './integration.ts'
import { Machines } from './machines.ts'
import { statusChangeOf, type StatusChange } from './status-change.ts'
import { Store } from './store.ts'
import { TaskTokens } from './task-tokens.ts'

// A definition may have 1 MB, and as JSON text in JSON text nearly twice that.
const LARGEST_BODY = 4 * 1_048_576

export interface StatesOptions {
  /** where state machines, executions and histories are kept */
  folder: string
  /** the integrations that a state machine with this role calls; its permissions are those of the role */
  integrations: (roleArn: string) => Integrations
  clock?: Clock
  /** from 0 to 1; for the jitter of Retry */
  random?: () => number
}

export interface States extends Service {
  /**
   * Takes up the executions that were running when the stack went down, each from its last top-level state. Call it when the services that they use
   * can be reached.
   * @returns their ARNs
   */
  resume(): string[]
  /** Is told of every status change, as EventBridge would be. @returns a function that ends it */
  onStatusChange(listener: (change: StatusChange) => void): () => void
  /** Is told of every event of every history as it is recorded. @returns a function that ends it */
  onHistoryEvent(listener: (executionArn: string, event: HistoryEvent) => void): () => void
}

/** Step Functions: our subset of the States Language behind the JSON 1.0 API that the AWS SDK speaks. */
export function createStates({
  folder,
  integrations,
  clock = wallClock,
  random = Math.random,
}: StatesOptions): States {
  const store = new Store(folder)
  const machines = new Machines(store)
  const activities = new Activities()
  const activityRecords = new Map(store.activities().map((record) => [record.arn, record]))
  for (const arn of activityRecords.keys()) activities.add(arn)
  const tokens = new TaskTokens()
  const onStatus = new Set<(change: StatusChange) => void>()
  const onEvent = new Set<(executionArn: string, event: HistoryEvent) => void>()
  const executions: Executions = new Executions({
    store,
    clock,
    random,
    activities,
    tokens,
    integrations,
    onEvent: (arn, event) => onEvent.forEach((listener) => listener(arn, event)),
    onStatus: (record) => {
      onStatus.forEach((listener) => listener(statusChangeOf(record)))
      if (!executions.of(record.machineArn).some(({ status }) => status === 'RUNNING'))
        machines.idle(record.machineArn)
    },
  })
  const world: World = { store, clock, machines, executions, activities, activityRecords, tokens }
  const closing = new AbortController()

  return {
    name: 'states',
    handle: (request, response, call) => answer(world, request, response, call, closing.signal),
    resume: () => executions.resume().map(({ arn }) => arn),
    onStatusChange: (listener) => listen(onStatus, listener),
    onHistoryEvent: (listener) => listen(onEvent, listener),
    async close() {
      closing.abort()
      await executions.close()
    },
  }
}

function listen<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

async function answer(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  call: Call,
  closing: AbortSignal,
): Promise<void> {
  const left = new AbortController()
  response.once('close', () => left.abort())
  try {
    const { operation, body } = await readRequest(request)
    send(response, 200, await operation(world, body, call, AbortSignal.any([left.signal, closing])))
  } catch (error) {
    // AccessDenied among them: the gateway answers it
    if (!(error instanceof ApiError)) throw error
    send(response, error.status, { __type: error.code, message: error.message }, error.code)
  }
}

async function readRequest(request: IncomingMessage): Promise<{ operation: Operation; body: unknown }> {
  const target = String(request.headers['x-amz-target'] ?? '')
  const name = target.replace(/^AWSStepFunctions\./, '')
  const operation = name === target ? undefined : OPERATIONS.get(name)
  if (!operation)
    throw new ApiError(
      'UnknownOperationException',
      `Unknown operation ${target || '(no x-amz-target header)'}; known: ${[...OPERATIONS.keys()].join(', ')}`,
    )
  const bytes = await readBody(request, LARGEST_BODY)
  try {
    return { operation, body: JSON.parse(bytes.toString('utf8')) as unknown }
  } catch (error) {
    throw new ApiError('SerializationException', `The request is no JSON: ${String(error)}`)
  }
}

function send(response: ServerResponse, status: number, body: object, errorType?: string): void {
  if (response.destroyed) return
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'x-amzn-requestid': randomUUID(),
    ...(errorType === undefined ? {} : { 'x-amzn-errortype': errorType }),
  })
  response.end(JSON.stringify(body))
}
