import type { IncomingMessage } from 'node:http'

/** A body that is larger than its reader takes. */
export class BodyTooLarge extends Error {
  override name = 'BodyTooLarge'
}

/**
 * The whole body of a request.
 * @param limit in bytes; what follows is read and dropped, so that the answer can still go out on the same connection
 * @throws BodyTooLarge
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= limit) chunks.push(chunk)
    else chunks.length = 0
  }
  if (length > limit) throw new BodyTooLarge(`the body has ${length} bytes, and at most ${limit} are taken`)
  return Buffer.concat(chunks)
}
