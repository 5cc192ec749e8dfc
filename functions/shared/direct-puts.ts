import { hash } from 'node:crypto'
import type { PutObjectCommandInput, PutObjectCommandOutput, S3Client } from '@aws-sdk/client-s3'
import { Connections, type Origin } from './connections.ts'
import { RequestSigner } from './sign-request.ts'

/** Where the SDK sends requests about a bucket's objects, and how it signs them. */
export interface BucketEndpoint {
  /** as the header says it */
  host: string
  /** what stands before the key */
  path: string
  signer: RequestSigner
  connections: Connections
}

/** The parts of the SDK's own requests, contexts and answers that are used here. */
export interface SdkRequest extends Origin {
  path: string
}
interface SdkContext {
  commandName?: string
  endpointV2?: {
    properties?: { authSchemes?: { name: string; signingName?: string; signingRegion?: string }[] }
  }
}

/** A PutObject that is sent directly has nothing but these, and its body is in memory. */
const HEADERS = {
  ContentType: 'content-type',
  ContentEncoding: 'content-encoding',
  IfMatch: 'if-match',
  IfNoneMatch: 'if-none-match',
  ChecksumSHA256: 'x-amz-checksum-sha256',
} as const
const NAMES = Object.keys(HEADERS) as (keyof typeof HEADERS)[]
const KNOWN = new Set(['Bucket', 'Key', 'Body', ...NAMES])

/**
 * Makes a client send plain PutObjects directly: signed by ourselves, over connections of our own, and past most of the SDK. Of the 0.7 ms of CPU that one costs with the SDK
 * (middleware, endpoint rules, serialization by schema, user agent, signature, HTTP), less than 0.1 is left; a Lambda that publishes thousands of small paths does little else.
 *
 * Only what goes well is dealt with here. Where a bucket is, and with whose credentials one talks to it, comes from the SDK; a request
 * that is not answered with 200 is made again by the SDK, with its retries and its errors, as is every request with anything unusual in it. What a client was
 * told of its connections (proxies, certificates, timeouts) holds for the SDK's alone.
 */
export function putDirectly(s3: S3Client): S3Client {
  const endpoints = new Map<string, BucketEndpoint>()

  s3.middlewareStack.add(
    (next, context) => async (args) => {
      const put = args.input as PutObjectCommandInput
      const endpoint = endpoints.get(put.Bucket ?? '')
      if (context.commandName !== 'PutObjectCommand' || endpoint === undefined || !isPlain(put))
        return next(args)
      const output = await tryPut(s3, endpoint, put)
      return output === undefined ? next(args) : { output, response: {} }
    },
    // Past the SDK's own logging, which takes apart every input, also when nobody listens.
    { step: 'initialize', priority: 'high', name: 'putDirectly' },
  )
  s3.middlewareStack.add(
    (next, context) => async (args) => {
      const { Bucket, Key } = args.input as PutObjectCommandInput
      if (Bucket !== undefined && Key !== undefined && !endpoints.has(Bucket)) {
        const endpoint = endpointOf(args.request as SdkRequest, Key, context)
        if (endpoint !== undefined) endpoints.set(Bucket, endpoint)
      }
      return next(args)
    },
    { step: 'finalizeRequest', priority: 'low', name: 'learnEndpoint' },
  )
  return s3
}

type PlainPut = Pick<PutObjectCommandInput, keyof typeof HEADERS> & {
  Key: string
  Body: string | Uint8Array
}

function isPlain(put: PutObjectCommandInput): put is PutObjectCommandInput & PlainPut {
  const isInMemory = typeof put.Body === 'string' || put.Body instanceof Uint8Array
  return isInMemory && put.Key !== undefined && Object.keys(put).every((name) => KNOWN.has(name))
}

/** Undefined when the bucket is signed for in another way than ours, as directory buckets are. */
export function endpointOf(
  request: SdkRequest,
  key: string,
  { endpointV2 }: SdkContext,
): BucketEndpoint | undefined {
  const { protocol, hostname, port } = request
  const scheme = endpointV2?.properties?.authSchemes?.[0]
  const suffix = encodeKey(key)
  if (scheme?.name !== 'sigv4' || scheme.signingName !== 's3' || scheme.signingRegion === undefined)
    return undefined
  if (!request.path.endsWith(`/${suffix}`)) return undefined
  return {
    host: port === undefined ? hostname : `${hostname}:${port}`,
    path: request.path.slice(0, -suffix.length),
    signer: new RequestSigner(scheme.signingRegion),
    connections: new Connections({ protocol, hostname, port }),
  }
}

/** @returns undefined when it did not succeed, for whatever reason */
async function tryPut(
  { config }: S3Client,
  { host, path, signer, connections }: BucketEndpoint,
  put: PlainPut,
): Promise<PutObjectCommandOutput | undefined> {
  const headers: Record<string, string> = { host }
  for (const name of NAMES) {
    const value = put[name]
    if (value !== undefined) headers[HEADERS[name]] = value
  }
  const request = {
    method: 'PUT',
    path: path + encodeKey(put.Key),
    headers,
    payloadHash: hash('sha256', put.Body),
  } as const
  const now = new Date(Date.now() + config.systemClockOffset)
  const signed = signer.sign(request, await config.credentials(), now)
  signed['content-length'] = String(Buffer.byteLength(put.Body))
  try {
    const answer = await connections.send({ ...request, headers: signed, body: put.Body })
    if (answer.statusCode !== 200) return undefined
    const { etag, 'x-amz-request-id': requestId = '' } = answer.headers
    return {
      ...(etag === undefined ? {} : { ETag: etag }),
      $metadata: { httpStatusCode: 200, requestId, attempts: 1 },
    }
  } catch {
    // No connection, or it broke: the SDK tries again, and reports what is wrong.
    return undefined
  }
}

/** As the SDK writes a key into a path. Source: RFC 3986, section 2.3. */
export function encodeKey(key: string): string {
  const encode = (segment: string): string =>
    encodeURIComponent(segment).replaceAll(
      /[!'()*]/g,
      (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
    )
  return key.split('/').map(encode).join('/')
}
