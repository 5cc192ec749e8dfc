import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describeError } from '../functions/shared/errors.ts'

export interface Bridge {
  /** for Nix's `substituters`: `http://127.0.0.1:<port>` */
  url: string
  close(): Promise<void>
}

/**
 * Serves a cache bucket to Nix as an ordinary read-only `http://` binary cache on this machine. The AWS SDK finds the credentials, wherever they come from; Nix's own
 * S3 client cannot in many builds, and does not exist in some.
 * @param port 0, the default, takes a free one
 */
export async function startBridge(options: { s3: S3Client; bucket: string; port?: number }): Promise<Bridge> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      // The client went away, or S3 did in the middle of a body: a broken connection tells Nix to try again.
      response.destroy(error instanceof Error ? error : undefined)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

const NIX32 = '[0-9abcdfghijklmnpqrsvwxyz]'
/** What Nix asks a cache for. Source: Nix, src/libstore/binary-cache-store.cc. */
const SERVED = [
  /^nix-cache-info$/,
  new RegExp(`^${NIX32}{32}\\.(narinfo|ls)$`),
  new RegExp(`^nar/${NIX32}{52}\\.nar(\\.[a-z0-9]+)?$`),
  new RegExp(`^log/${NIX32}{32}-[0-9a-zA-Z+\\-._?=]+\\.drv$`),
]

/** The key that a request's path asks for, or undefined when it is nothing that a cache has. */
export function requestedKey(target: string): string | undefined {
  const [path = ''] = target.split('?', 1)
  let key: string
  try {
    key = decodeURIComponent(path.slice(1))
  } catch {
    // A percent sign that begins no byte: no key of ours has one.
    return undefined
  }
  return path.startsWith('/') && SERVED.some((pattern) => pattern.test(key)) ? key : undefined
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { s3, bucket }: { s3: S3Client; bucket: string },
): Promise<void> {
  // A name other than this machine's comes from a web page that had it resolve to 127.0.0.1 in order to read the cache.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) {
    return refuse(response, 421, 'this bridge answers to 127.0.0.1 only')
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return refuse(response, 405, 'this cache is read-only')
  }
  const Key = requestedKey(request.url ?? '')
  if (Key === undefined) return refuse(response, 404, 'a Nix binary cache has no such file')
  const abort = new AbortController()
  response.on('close', () => abort.abort())
  try {
    if (request.method === 'HEAD') {
      setHeaders(response, await s3.send(new HeadObjectCommand({ Bucket: bucket, Key })))
      response.end()
      return
    }
    const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }), { abortSignal: abort.signal })
    setHeaders(response, object)
    if (object.Body instanceof Readable) await pipeline(object.Body, response)
    else response.end()
  } catch (error) {
    if (response.headersSent) throw error
    const { status, text } = failure(error, `${bucket}/${Key}`)
    refuse(response, status, text)
  }
}

function setHeaders(
  response: ServerResponse,
  object: GetObjectCommandOutput | HeadObjectCommandOutput,
): void {
  response.statusCode = 200
  if (object.ContentLength !== undefined) response.setHeader('Content-Length', object.ContentLength)
  if (object.ContentType !== undefined) response.setHeader('Content-Type', object.ContentType)
  if (object.ContentEncoding) response.setHeader('Content-Encoding', object.ContentEncoding)
}

/**
 * What Nix is told when S3 gives nothing. 404 and 403 make it look elsewhere and, at last, build; 5xx make it try again, five times. So a request that S3 does not
 * answer at all is a 502.
 */
function failure(error: unknown, object: string): { status: number; text: string } {
  const { name, message } = describeError(error)
  const status = error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 502) : 502
  if (status === 404) return { status, text: `${object} does not exist` }
  if (status === 403) {
    return {
      status,
      text: `S3 refuses to give ${object}: ${name}. These credentials need s3:GetObject on the bucket's objects and s3:ListBucket on the bucket`,
    }
  }
  return { status: status >= 500 ? status : 502, text: `S3 does not give ${object}: ${name}: ${message}` }
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.removeHeader('Content-Length')
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.end(`${text}\n`)
}
