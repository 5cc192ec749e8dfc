import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { AccessDenied } from '../gateway/service.ts'
import { SignatureError } from '../gateway/sigv4-errors.ts'
import { S3Error } from './errors.ts'
import type { S3Call } from './request.ts'
import { element, errorDocument } from './xml.ts'

export function answerXml(call: S3Call, xml: string, headers: OutgoingHttpHeaders = {}): void {
  write(call.response, 200, { ...headers, 'content-type': 'application/xml' }, call.requestId)
  call.response.end(xml)
}

export function answerEmpty(call: S3Call, status: number, headers: OutgoingHttpHeaders = {}): void {
  // As S3 does; Node would send it in chunks, none of them. A HEAD has the length of what it did not get, a 204 has none.
  const length = status === 200 && call.method !== 'HEAD' ? { 'content-length': 0 } : {}
  write(call.response, status, { ...length, ...headers }, call.requestId)
  call.response.end()
}

/** Writes the status line, the given headers but the undefined ones, and the headers that every answer of S3 has. */
export function write(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  requestId: string,
): void {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined)
  response.writeHead(status, {
    ...Object.fromEntries(given),
    'x-amz-request-id': requestId,
    server: 'AmazonS3',
  })
}

/** Whether S3 has a code for what was thrown; everything else is a fault of ours. */
export function isS3Answer(error: unknown): error is S3Error | AccessDenied | SignatureError {
  return error instanceof S3Error || error instanceof AccessDenied || error instanceof SignatureError
}

/**
 * Answers an error as S3 does: XML with its code, and for HEAD the status alone. The gateway uses it for requests that never reached the
 * service. Does nothing when the answer has begun already.
 */
export function answerS3Error(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  requestId: string,
): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { status, code, message, details, headers } = describe(error)
  // What is left of the body is read and dropped, so that the client, still sending, gets to see the answer.
  request.resume()
  if (request.method === 'HEAD' || status === 304) {
    write(response, status, headers, requestId)
    response.end()
    return
  }
  const xml = errorDocument([
    element('Code', code),
    element('Message', message),
    ...Object.entries(details).map(([name, value]) => element(name, value)),
    element('Resource', (request.url ?? '').replace(/\?.*$/, '')),
    element('RequestId', requestId),
  ])
  write(response, status, { ...headers, 'content-type': 'application/xml' }, requestId)
  response.end(xml)
}

function describe(error: unknown): Pick<S3Error, 'status' | 'code' | 'message' | 'details' | 'headers'> {
  if (error instanceof S3Error) return error
  const none = { details: {}, headers: {} }
  if (error instanceof AccessDenied)
    return { ...none, status: 403, code: 'AccessDenied', message: error.message }
  if (error instanceof SignatureError) {
    // S3 has no codes of its own for these two.
    const denied = error.name === 'RequestExpired' || error.name === 'HeadersNotSigned'
    return {
      ...none,
      status: error.status,
      code: denied ? 'AccessDenied' : error.name,
      message: error.message,
    }
  }
  return { ...none, status: 500, code: 'InternalError', message: 'The local S3 server failed; see its log' }
}
