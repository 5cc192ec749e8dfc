import {
  type HeadObjectCommandInput,
  type HeadObjectCommandOutput,
  NotFound,
  type S3Client,
} from '@aws-sdk/client-s3'
import { type BucketEndpoint, encodeKey, endpointOf, type SdkRequest } from './direct-puts.ts'
import type { HttpAnswer } from './http-answer.ts'

// SHA-256 of no bytes, in base16.
const NO_BODY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/**
 * Makes a client ask directly whether objects are there, as `putDirectly` writes them directly: who asks for many paths does little else, and with the SDK each costs some
 * 1 ms of CPU. Only 200 and 404 are dealt with here; whatever else is answered, or is not, the SDK asks again, with its retries and its errors.
 */
export function headDirectly(s3: S3Client): S3Client {
  /** bucket -> where it is, as the SDK's first request to it shows; undefined when that cannot be used */
  const endpoints = new Map<string, Promise<BucketEndpoint | undefined>>()
  const teach = new Map<string, (endpoint: BucketEndpoint | undefined) => void>()

  s3.middlewareStack.add(
    (next, context) => async (args) => {
      const head = args.input as HeadObjectCommandInput
      const { Bucket = '', Key = '' } = head
      if (context.commandName !== 'HeadObjectCommand' || !isPlain(head)) return next(args)
      const known = endpoints.get(Bucket)
      if (known === undefined) {
        endpoints.set(Bucket, new Promise((learn) => teach.set(Bucket, learn)))
        try {
          return await next(args)
        } finally {
          // it never got as far as a request
          learn(Bucket, undefined)
        }
      }
      const endpoint = await known
      const answer = endpoint === undefined ? undefined : await tryHead(s3, endpoint, Key)
      if (answer?.statusCode === 200) return { output: describe(answer.headers), response: {} }
      if (answer?.statusCode === 404) throw new NotFound({ message: 'NotFound', $metadata: answered(404) })
      return next(args)
    },
    { step: 'initialize', priority: 'high', name: 'headDirectly' },
  )
  s3.middlewareStack.add(
    (next, context) => async (args) => {
      const { Bucket = '', Key = '' } = args.input as HeadObjectCommandInput
      if (teach.has(Bucket)) learn(Bucket, endpointOf(args.request as SdkRequest, Key, context))
      return next(args)
    },
    { step: 'finalizeRequest', priority: 'low', name: 'learnEndpointOfHeads' },
  )
  return s3

  function learn(bucket: string, endpoint: BucketEndpoint | undefined): void {
    teach.get(bucket)?.(endpoint)
    teach.delete(bucket)
  }
}

/** What one asks of an object most often; who wants more of the answer needs a client of his own. */
function describe(headers: HttpAnswer['headers']): HeadObjectCommandOutput {
  const { etag = '', 'content-length': length = '', 'last-modified': modified = '' } = headers
  return {
    $metadata: answered(200),
    ETag: etag,
    ContentLength: Number(length),
    LastModified: new Date(modified),
  }
}

function answered(httpStatusCode: number): { httpStatusCode: number; attempts: number } {
  return { httpStatusCode, attempts: 1 }
}

function isPlain(head: HeadObjectCommandInput): boolean {
  return Object.keys(head).every((name) => name === 'Bucket' || name === 'Key') && head.Key !== undefined
}

/** @returns undefined when there was no answer */
async function tryHead(
  { config }: S3Client,
  { host, path, signer, connections }: BucketEndpoint,
  key: string,
): Promise<HttpAnswer | undefined> {
  const request = {
    method: 'HEAD',
    path: path + encodeKey(key),
    headers: { host },
    payloadHash: NO_BODY,
  } as const
  const now = new Date(Date.now() + config.systemClockOffset)
  const headers = signer.sign(request, await config.credentials(), now)
  try {
    return await connections.send({ ...request, headers, body: '' })
  } catch {
    // No connection, or it broke: the SDK tries again, and reports what is wrong.
    return undefined
  }
}
