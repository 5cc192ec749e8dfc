import { createHash, createHmac } from 'node:crypto'
import { OPERATOR } from './signed-server.ts'

/** Bytes of a chunk; AWS's SDKs use the same. */
export const CHUNK = 65_536

/** Encodes a body as aws-chunked. */
export function encodeChunks(body: Buffer, sign: (chunk: Buffer) => string): Buffer {
  const pieces: Buffer[] = []
  for (let start = 0; start <= body.length; start += CHUNK) {
    const chunk = body.subarray(start, start + CHUNK)
    pieces.push(
      Buffer.from(`${chunk.length.toString(16)};chunk-signature=${sign(chunk)}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    )
  }
  if (body.length % CHUNK === 0) return Buffer.concat(pieces)
  return Buffer.concat([...pieces, Buffer.from(`0;chunk-signature=${sign(Buffer.alloc(0))}\r\n\r\n`)])
}

/** Signs the chunks of a request that the SDK has signed, one after the other. */
export function chunkSignerOf(headers: Record<string, string>): (chunk: Buffer) => string {
  const authorization = headers['authorization'] ?? ''
  const scope = /Credential=[^/]+\/(?<scope>[^,]+)/.exec(authorization)?.groups?.['scope'] ?? ''
  let previous = /Signature=(?<signature>\w+)/.exec(authorization)?.groups?.['signature'] ?? ''
  const key = scope
    .split('/')
    .reduce(
      (key: string | Buffer, data) => createHmac('sha256', key).update(data).digest(),
      `AWS4${OPERATOR.secretAccessKey}`,
    )
  return (chunk) => {
    const text = [
      'AWS4-HMAC-SHA256-PAYLOAD',
      headers['x-amz-date'],
      scope,
      previous,
      sha256(Buffer.alloc(0)),
      sha256(chunk),
    ]
    previous = createHmac('sha256', key).update(text.join('\n')).digest('hex')
    return previous
  }
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
