import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Context } from 'aws-lambda'
import { isObject } from '../json-object.ts'
import { endMarker, type FromRuntime, type FunctionError, type Invocation } from './runtime-protocol.ts'

/**
 * Runs inside a function's own process, in the place of Lambda's runtime interface client: loads the handler that `_HANDLER` names below
 * `LAMBDA_TASK_ROOT`, then takes one invocation after the other from the IPC channel.
 */

type Handler = (event: unknown, context: Context) => unknown

const send = (message: FromRuntime): void => {
  process.send?.(message)
}
// The parent went away: nobody can invoke or stop this process any more.
process.on('disconnect', () => process.exit(0))

let current: Invocation | undefined
const failOutside = (errorType: string | undefined, thrown: unknown, status: number): void => {
  const error = describe(thrown)
  if (current === undefined) send({ kind: 'load-failed', error })
  else
    finish({
      kind: 'threw',
      requestId: current.requestId,
      error: errorType === undefined ? error : { ...error, errorType },
      fatal: true,
    })
  process.exit(status)
}
// The exit statuses and the error type are those of Lambda's own client. Source: aws-lambda-nodejs-runtime-interface-client, src/index.mjs.
process.on('uncaughtException', (error) => failOutside(undefined, error, 129))
process.on('unhandledRejection', (error) => failOutside('Runtime.UnhandledPromiseRejection', error, 128))

try {
  const handler = await loadHandler(process.env['LAMBDA_TASK_ROOT'] ?? '', process.env['_HANDLER'] ?? '')
  process.on('message', (invocation: Invocation) => void invoke(handler, invocation))
  send({ kind: 'ready' })
} catch (error) {
  send({ kind: 'load-failed', error: describe(error) })
}

async function invoke(handler: Handler, invocation: Invocation): Promise<void> {
  current = invocation
  const { requestId } = invocation
  try {
    const result = await handler(JSON.parse(invocation.payload), contextOf(invocation))
    finish({ kind: 'returned', requestId, payload: JSON.stringify(result) ?? 'null' })
  } catch (error) {
    finish({ kind: 'threw', requestId, error: describe(error), fatal: false })
  }
}

function finish(message: FromRuntime & { requestId: string }): void {
  current = undefined
  for (const stream of [process.stdout, process.stderr]) stream.write(`\n${endMarker(message.requestId)}\n`)
  send(message)
}

function describe(thrown: unknown): FunctionError {
  if (!(thrown instanceof Error)) return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] }
  return { errorType: thrown.name, errorMessage: thrown.message, trace: (thrown.stack ?? '').split('\n') }
}

function contextOf({ requestId, deadline, functionArn }: Invocation): Context {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: environment('AWS_LAMBDA_FUNCTION_NAME'),
    functionVersion: environment('AWS_LAMBDA_FUNCTION_VERSION'),
    invokedFunctionArn: functionArn,
    memoryLimitInMB: environment('AWS_LAMBDA_FUNCTION_MEMORY_SIZE'),
    awsRequestId: requestId,
    logGroupName: environment('AWS_LAMBDA_LOG_GROUP_NAME'),
    logStreamName: environment('AWS_LAMBDA_LOG_STREAM_NAME'),
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    // Node 24 on Lambda has no callback-style completion; these exist in the type only.
    done: refuseCallback,
    fail: refuseCallback,
    succeed: refuseCallback,
  }
}

function environment(name: string): string {
  return process.env[name] ?? ''
}

function refuseCallback(): never {
  throw new Error('Lambda runs Node 24 handlers without callbacks: return a promise')
}

/** `folder/index.handler`: the export `handler` of the first of index, index.js, index.mjs, index.cjs that exists. */
async function loadHandler(root: string, handlerName: string): Promise<Handler> {
  const file = basename(handlerName)
  const dot = file.indexOf('.')
  const base = join(root, dirname(handlerName), file.slice(0, dot))
  const path = ['', '.js', '.mjs', '.cjs']
    .map((extension) => base + extension)
    .find((name) => existsSync(name))
  if (path === undefined)
    throw named('Runtime.ImportModuleError', `Error: Cannot find module '${file.slice(0, dot)}'`)
  const module: Record<string, unknown> = await import(pathToFileURL(path).href)
  const exported = file
    .slice(dot + 1)
    .split('.')
    .reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), module)
  if (!isHandler(exported))
    throw named('Runtime.HandlerNotFound', `${handlerName} is undefined or not exported`)
  return exported
}

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function'
}

function named(name: string, message: string): Error {
  const error = new Error(message)
  error.name = name
  return error
}
