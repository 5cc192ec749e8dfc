import type { IncomingMessage, ServerResponse } from 'node:http'
import { BodyTooLarge, readBody } from '../gateway/request-body.ts'
import type { Call, Service } from '../gateway/service.ts'
import { functionArn } from './function-definition.ts'
import { TooManyRequests, type Functions, type InvocationResult } from './functions.ts'

/** 6 MB for an invocation that is waited for, 256 KB for one that is not. Source: Lambda developer guide, "Lambda quotas". */
const SYNCHRONOUS_LIMIT = 6_291_456
const ASYNCHRONOUS_LIMIT = 262_144

class LambdaError extends Error {
  override name = 'LambdaError'
  readonly status: number
  readonly type: string
  constructor(status: number, type: string, message: string) {
    super(message)
    this.status = status
    this.type = type
  }
}

/**
 * Lambda's Invoke: `POST /2015-03-31/functions/<name or ARN>/invocations`, for RequestResponse, Event and DryRun.
 * An Event is tried once: Lambda's two further tries, minutes later, do not happen here.
 * @param onAsyncFailure hears of events that failed, since nobody waits for them
 */
export function createLambdaService(
  functions: Functions,
  onAsyncFailure: (name: string, result: InvocationResult) => void,
): Service {
  const pending = new Set<Promise<void>>()

  const invoke = async (request: IncomingMessage, response: ServerResponse, call: Call): Promise<void> => {
    const name = functionName(request)
    call.authorize('lambda:InvokeFunction', functionArn(name))
    const type = header(request, 'x-amz-invocation-type') ?? 'RequestResponse'
    const payload = await readEvent(request, type)
    if (functions.find(name) === undefined)
      throw new LambdaError(404, 'ResourceNotFoundException', `Function not found: ${functionArn(name)}`)
    if (type === 'DryRun') return answer(response, 204, '')
    if (type === 'Event') {
      const invocation = invokeInBackground(functions, name, payload, onAsyncFailure)
      pending.add(invocation)
      void invocation.finally(() => pending.delete(invocation))
      return answer(response, 202, '')
    }
    if (type !== 'RequestResponse')
      throw new LambdaError(400, 'InvalidParameterValueException', `unknown invocation type "${type}"`)
    const result = await functions.invoke(name, payload)
    answer(response, 200, result.payload, {
      'x-amz-executed-version': '$LATEST',
      ...(result.functionError === undefined ? {} : { 'x-amz-function-error': result.functionError }),
      ...(header(request, 'x-amz-log-type') === 'Tail'
        ? { 'x-amz-log-result': Buffer.from(result.logTail).toString('base64') }
        : {}),
    })
  }

  return {
    name: 'lambda',
    async handle(request, response, call) {
      try {
        await invoke(request, response, call)
      } catch (error) {
        const { status, type, message } = describe(error)
        answer(response, status, JSON.stringify({ Type: 'User', message }), { 'x-amzn-errortype': type })
      }
    },
    async close() {
      await functions.close()
      await Promise.all(pending)
    },
  }
}

/** Invokes a function for whom nobody waits; a failure is told to `onFailure`. */
export async function invokeInBackground(
  functions: Functions,
  name: string,
  payload: string,
  onFailure: (name: string, result: InvocationResult) => void,
): Promise<void> {
  try {
    const result = await functions.invoke(name, payload)
    if (result.functionError !== undefined) onFailure(name, result)
  } catch (error) {
    if (!(error instanceof TooManyRequests)) throw error
    onFailure(name, {
      requestId: '',
      payload: JSON.stringify({ errorType: error.name, errorMessage: error.message }),
      logTail: '',
    })
  }
}

function describe(error: unknown): LambdaError {
  if (error instanceof LambdaError) return error
  if (error instanceof TooManyRequests) return new LambdaError(429, 'TooManyRequestsException', error.message)
  if (error instanceof BodyTooLarge)
    return new LambdaError(
      413,
      'RequestTooLargeException',
      `Request must be smaller than ${SYNCHRONOUS_LIMIT} bytes for the InvokeFunction operation`,
    )
  throw error
}

async function readEvent(request: IncomingMessage, type: string): Promise<string> {
  const body = await readBody(request, type === 'Event' ? ASYNCHRONOUS_LIMIT : SYNCHRONOUS_LIMIT)
  const payload = body.length === 0 ? '{}' : body.toString('utf8')
  try {
    JSON.parse(payload)
  } catch (error) {
    throw new LambdaError(
      400,
      'InvalidRequestContentException',
      `Could not parse request body into json: ${String(error)}`,
    )
  }
  return payload
}

/** A name, an ARN or a partial ARN (`123456789012:function:name`), with `:$LATEST` or without. */
function functionName(request: IncomingMessage): string {
  const path = new URL(request.url ?? '/', 'http://local').pathname
  const match = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(path)
  if (request.method !== 'POST' || match?.[1] === undefined)
    throw new LambdaError(
      404,
      'UnknownOperationException',
      `the local lambda knows Invoke only, not ${request.method} ${path}`,
    )
  const parts = decodeURIComponent(match[1])
    .replace(/:\$LATEST$/, '')
    .split(':')
  return parts.at(-1) ?? ''
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

function answer(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(body)
}
