import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'

/** An error as the gateway itself answers it, before or in place of a service. */
export interface GatewayError {
  status: number
  /** S3's and STS's name for it */
  code: string
  /** the JSON services' name for it */
  type: string
  message: string
}

/**
 * Answers an error in the form that the clients of `service` read: XML for S3 and STS, JSON for everything else.
 * Sources: S3 API reference, "Error responses"; Smithy, "AWS query protocol" and "AWS restJson1 protocol", error serialization.
 */
export function answerError(
  response: ServerResponse,
  service: string | undefined,
  error: GatewayError,
): void {
  if (response.headersSent) {
    // The answer has begun: all that is left is to break it off, so that nobody takes it for complete.
    response.destroy()
    return
  }
  const requestId = randomUUID()
  const body = Buffer.from(bodyFor(service, error, requestId))
  response.writeHead(error.status, {
    'content-type': isXml(service) ? 'application/xml' : 'application/x-amz-json-1.1',
    'content-length': body.length,
    'x-amzn-requestid': requestId,
    'x-amzn-errortype': error.type,
  })
  response.end(body)
}

function isXml(service: string | undefined): boolean {
  return service === 's3' || service === 'sts'
}

function bodyFor(
  service: string | undefined,
  { code, type, message }: GatewayError,
  requestId: string,
): string {
  if (!isXml(service)) return JSON.stringify({ __type: type, message })
  const fields = `<Code>${code}</Code><Message>${escapeXml(message)}</Message>`
  if (service === 's3')
    return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${fields}<RequestId>${requestId}</RequestId></Error>`
  return `<ErrorResponse><Error><Type>Sender</Type>${fields}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)
}
