import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ACCOUNT, REGION } from '../gateway/service.ts'

/** What a request becomes for a Lambda function: payload format version 2.0. */
export interface ApiEvent {
  version: '2.0'
  routeKey: string
  rawPath: string
  rawQueryString: string
  cookies?: string[]
  headers: Record<string, string>
  queryStringParameters?: Record<string, string>
  pathParameters?: Record<string, string>
  requestContext: Record<string, unknown>
  body?: string
  isBase64Encoded: boolean
}

export interface ApiRequest {
  request: IncomingMessage
  apiId: string
  routeKey: string
  /** path and query string */
  target: string
  pathParameters: Record<string, string>
  body: Buffer
}

/**
 * Builds the event. Header names are in lower case, repeated headers and query parameters are joined with commas; cookies are taken out of the
 * headers.
 * Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs".
 */
export function apiEvent({ request, apiId, routeKey, target, pathParameters, body }: ApiRequest): ApiEvent {
  const url = new URL(target, 'http://local')
  const { cookie, ...headers } = joinedHeaders(request)
  const queryStringParameters = joinedQuery(url.searchParams)
  const encoded = body.length > 0 && isBinary(headers, body)
  const host = headers['host'] ?? ''
  const now = new Date()
  return {
    version: '2.0',
    routeKey,
    rawPath: decodeURIComponent(url.pathname),
    rawQueryString: url.search.slice(1),
    ...(cookie === undefined ? {} : { cookies: cookie.split(/;\s*/) }),
    headers,
    ...(Object.keys(queryStringParameters).length > 0 ? { queryStringParameters } : {}),
    ...(Object.keys(pathParameters).length > 0 ? { pathParameters } : {}),
    requestContext: {
      accountId: ACCOUNT,
      apiId,
      domainName: `${apiId}.execute-api.${REGION}.amazonaws.com`,
      domainPrefix: apiId,
      http: {
        method: request.method,
        path: url.pathname,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: now.toISOString(),
      timeEpoch: now.getTime(),
      host,
    },
    ...(body.length === 0 ? {} : { body: body.toString(encoded ? 'base64' : 'utf8') }),
    isBase64Encoded: encoded,
  }
}

/**
 * Whether API Gateway hands the body over in base64: unless the content type is text, JSON, XML or JavaScript, or there is none and the bytes
 * are text; and whenever a Content-Encoding says that it is compressed. A form (`application/x-www-form-urlencoded`) is binary in this sense.
 * Bytes that are no UTF-8 always go in base64: a signature over the body must not break on a replacement character.
 */
function isBinary(headers: Record<string, string>, body: Buffer): boolean {
  const type = (headers['content-type'] || 'text/plain').split(';')[0]?.trim().toLowerCase() ?? ''
  const isText = type.startsWith('text/') || /^application\/(?:[\w.-]+\+)?(?:json|xml|javascript)$/.test(type)
  return !isText || headers['content-encoding'] !== undefined || !isUtf8(body)
}

function isUtf8(body: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(body)
    return true
  } catch {
    return false
  }
}

function joinedHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, values] of Object.entries(request.headersDistinct))
    if (values !== undefined) headers[name] = values.join(name === 'cookie' ? '; ' : ',')
  return headers
}

function joinedQuery(parameters: URLSearchParams): Record<string, string> {
  const joined: Record<string, string> = {}
  for (const name of parameters.keys()) joined[name] = parameters.getAll(name).join(',')
  return joined
}
