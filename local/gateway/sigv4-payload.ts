import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Transform } from 'node:stream'
import { PayloadMismatch } from './sigv4-errors.ts'

/** A body that is larger than its service takes. */
export class PayloadTooLarge extends Error {
  override name = 'PayloadTooLarge'
  readonly status = 413
}

/**
 * Throws unless the body is the one that was signed. `UNSIGNED-PAYLOAD` and `STREAMING-…` promise nothing about the whole body and pass.
 * @param claimed x-amz-content-sha256, as verified with the signature
 * @param actual SHA-256 of the body in hex
 * @throws PayloadMismatch
 */
export function checkPayloadHash(claimed: string, actual: string): void {
  const promisesNothing = claimed === 'UNSIGNED-PAYLOAD' || claimed.startsWith('STREAMING-')
  if (!promisesNothing && claimed !== actual) throw new PayloadMismatch(claimed, actual)
}

/**
 * Passes a body through and fails at its end unless its SHA-256 is the claimed one. Whoever reads it must not act before its end.
 * The stream is destroyed with PayloadMismatch.
 */
export function verifyingPayload(claimed: string): Transform {
  const hash = createHash('sha256')
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
    flush(done) {
      try {
        checkPayloadHash(claimed, hash.digest('hex'))
        done()
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)))
      }
    },
  })
}

/**
 * Reads a whole body, for services that speak JSON.
 * @param limit in bytes
 * @param claimed x-amz-content-sha256; undefined for a request without a signature
 * @throws PayloadTooLarge, PayloadMismatch
 */
export async function readPayload(
  request: IncomingMessage,
  limit: number,
  claimed: string | undefined,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  // Not destroyed when reading ends early: the answer still has to go out on the same connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes: Buffer = chunk
    size += bytes.length
    if (size > limit) {
      request.resume()
      throw new PayloadTooLarge(`the request's body is larger than ${limit} bytes`)
    }
    chunks.push(bytes)
  }
  const body = Buffer.concat(chunks)
  if (claimed !== undefined) checkPayloadHash(claimed, createHash('sha256').update(body).digest('hex'))
  return body
}
