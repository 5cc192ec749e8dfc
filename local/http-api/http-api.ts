import type { IncomingMessage, ServerResponse } from 'node:http'
import { BodyTooLarge, readBody } from '../gateway/request-body.ts'
import { ACCOUNT, REGION } from '../gateway/service.ts'
import { isObject } from '../json-object.ts'
import { TooManyRequests, type Functions } from '../lambda/functions.ts'
import { apiEvent } from './api-event.ts'
import { findRoute, type Route } from './route.ts'

/** 10 MB, and 30 seconds at most. Source: API Gateway developer guide, "Quotas for configuring and running an HTTP API". */
const BODY_LIMIT = 10 * 1024 * 1024
const LONGEST_INTEGRATION = 30_000
/** What Lambda takes; a larger event is refused by it, and API Gateway passes that on. */
const EVENT_LIMIT = 6_291_456

/** One HTTP API of the template, as far as it sends routes on to Lambda functions. */
export interface HttpApi {
  id: string
  routes: Route[]
}

export interface ApiRuntime {
  functions: Functions
  /** whether an AWS::Lambda::Permission lets the API invoke the function for this `execute-api` ARN */
  mayInvoke: (functionName: string, sourceArn: string) => boolean
}

/**
 * Answers a request as API Gateway does: finds the route, invokes its function with payload format 2.0, and turns the result into a response.
 * @param target path and query string below the API's stage
 */
export async function handleApiRequest(
  api: HttpApi,
  { functions, mayInvoke }: ApiRuntime,
  request: IncomingMessage,
  response: ServerResponse,
  target: string,
): Promise<void> {
  const found = findRoute(api.routes, request.method ?? '', target.split('?')[0] ?? '/')
  try {
    const body = await readBody(request, BODY_LIMIT)
    if (found === undefined) return answerMessage(response, 404, 'Not Found')
    const { route, pathParameters } = found
    if (!mayInvoke(route.functionName, sourceArnOf(api.id, route.key)))
      return answerMessage(response, 500, 'Internal Server Error')
    const event = JSON.stringify(
      apiEvent({ request, apiId: api.id, routeKey: route.key, target, pathParameters, body }),
    )
    if (Buffer.byteLength(event) > EVENT_LIMIT)
      return answerMessage(response, 413, 'Request Entity Too Large')
    const milliseconds = Math.min(route.timeoutMilliseconds, LONGEST_INTEGRATION)
    const result = await within(functions.invoke(route.functionName, event), milliseconds)
    if (result === undefined) return answerMessage(response, 503, 'Service Unavailable')
    if (result.functionError !== undefined) return answerMessage(response, 500, 'Internal Server Error')
    answerResult(response, JSON.parse(result.payload))
  } catch (error) {
    if (error instanceof BodyTooLarge) return answerMessage(response, 413, 'Request Entity Too Large')
    if (error instanceof TooManyRequests) return answerMessage(response, 503, 'Service Unavailable')
    throw error
  }
}

/** Source: API Gateway developer guide, "Control access to a Lambda function": `<api>/<stage>/<method>/<path>`. */
function sourceArnOf(apiId: string, routeKey: string): string {
  const [method = '', path = ''] = routeKey === '$default' ? ['$default', ''] : routeKey.split(' ')
  return `arn:aws:execute-api:${REGION}:${ACCOUNT}:${apiId}/$default/${method}${path}`
}

/** The promise's value, or undefined when it takes longer: the function then goes on by itself, as on Lambda. */
async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  const timeout = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => timeout.resolve(undefined), milliseconds)
  try {
    return await Promise.race([promise, timeout.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** A result without a statusCode is itself the body, as JSON. Source: as in api-event.ts, "Lambda function response for format 2.0". */
function answerResult(response: ServerResponse, result: unknown): void {
  if (!isObject(result) || typeof result['statusCode'] !== 'number') {
    const body = typeof result === 'string' ? result : JSON.stringify(result)
    return answer(response, 200, { 'content-type': 'application/json' }, Buffer.from(body))
  }
  const headers: Record<string, string | string[]> = { 'content-type': 'text/plain;charset=UTF-8' }
  for (const [name, value] of Object.entries(isObject(result['headers']) ? result['headers'] : {}))
    headers[name.toLowerCase()] = typeof value === 'string' ? value : JSON.stringify(value)
  const { cookies } = result
  if (Array.isArray(cookies)) headers['set-cookie'] = cookies.filter((cookie) => typeof cookie === 'string')
  const text = typeof result['body'] === 'string' ? result['body'] : ''
  answer(
    response,
    result['statusCode'],
    headers,
    Buffer.from(text, result['isBase64Encoded'] === true ? 'base64' : 'utf8'),
  )
}

function answerMessage(response: ServerResponse, status: number, message: string): void {
  answer(response, status, { 'content-type': 'application/json' }, Buffer.from(JSON.stringify({ message })))
}

function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string | string[]>,
  body: Buffer,
): void {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.end(body)
}
