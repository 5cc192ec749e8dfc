import { createHash } from 'node:crypto'
import { checkPayloadHash } from '../gateway/sigv4-payload.ts'
import { signatureOf } from '../gateway/sigv4.ts'
import { AwsChunkedDecoder } from './aws-chunked.ts'
import {
  algorithmOfHeader,
  checkChecksumForm,
  checkDigest,
  createDigest,
  headerOf as headerOfAlgorithm,
  type Checksum,
  type ChecksumAlgorithm,
  type Digest,
} from './checksums.ts'
import { invalidRequest, notImplemented, S3Error } from './errors.ts'
import { headerOf, type S3Call } from './request.ts'

/** 5 GiB. Source: S3 user guide, "Amazon S3 multipart upload limits"; also the most that one PutObject takes. */
export const LARGEST_BODY = 5 * 1024 ** 3

/** What a body turned out to be, after everything that the request said of it was verified. */
export interface Received {
  size: number
  /** MD5 in hex */
  md5: string
  /** the one the client sent, verified; otherwise what `compute` asked for */
  checksum: Checksum | undefined
}

/** Where a body goes, piece by piece. */
export type Sink = (piece: Buffer) => void | Promise<void>

export interface ReceiveOptions {
  /** most bytes taken, after decoding */
  limit: number
  /** a checksum to compute when the client sends none of this algorithm */
  compute?: ChecksumAlgorithm | undefined
}

/**
 * Reads a request's body: decodes aws-chunked, and verifies x-amz-content-sha256, the signatures of chunks, Content-MD5, the length and
 * the additional checksum, whether it came as a header or as a trailer. What the sink got counts only when this returns.
 * @throws S3Error EntityTooLarge, IncompleteBody, BadDigest, InvalidDigest, InvalidRequest, MissingContentLength; PayloadMismatch;
 * SignatureDoesNotMatch
 */
export async function receive(call: S3Call, options: ReceiveOptions, sink: Sink): Promise<Received> {
  const { request } = call
  const payloadHash = signatureOf(request)?.payloadHash ?? 'UNSIGNED-PAYLOAD'
  const decoder = decoderOf(call, payloadHash)
  const length = declaredLength(call, decoder !== undefined)
  if (length > options.limit) throw entityTooLarge(options.limit, length)
  const claimed = claimedChecksum(call, decoder !== undefined)

  const md5 = createHash('md5')
  const sha256 = /^[0-9a-f]{64}$/.test(payloadHash) ? createHash('sha256') : undefined
  const algorithm = claimed?.algorithm ?? options.compute
  const digest: Digest | undefined = algorithm === undefined ? undefined : createDigest(algorithm)
  let size = 0
  // Not destroyed when reading ends early: the answer still has to go out on the same connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes: Buffer = chunk
    sha256?.update(bytes)
    for (const piece of decoder?.push(bytes) ?? [bytes]) {
      size += piece.length
      if (size > length) throw invalidRequest('The body is longer than the request says')
      md5.update(piece)
      digest?.update(piece)
      await sink(piece)
    }
  }
  decoder?.end()
  if (size !== length) {
    throw new S3Error(400, 'IncompleteBody', `The request announced ${length} bytes and sent ${size}`)
  }
  if (sha256 !== undefined) checkPayloadHash(payloadHash, sha256.digest('hex'))
  const md5Digest = md5.digest()
  checkMd5(headerOf(request, 'content-md5'), md5Digest)
  const value = digest?.digest().toString('base64')
  if (claimed !== undefined) checkDigest(claimed.algorithm.toUpperCase(), claimed.value(decoder), value ?? '')
  return {
    size,
    md5: md5Digest.toString('hex'),
    checksum:
      algorithm === undefined || value === undefined ? undefined : { algorithm, value, type: 'FULL_OBJECT' },
  }
}

/** Reads a small body, such as an XML document, as text. */
export async function receiveText(call: S3Call, limit: number): Promise<string> {
  const pieces: Buffer[] = []
  await receive(call, { limit }, (piece) => void pieces.push(piece))
  return Buffer.concat(pieces).toString('utf8')
}

/** Whether the request says anything by which its body can be verified. */
export function hasIntegrityCheck({ request }: S3Call): boolean {
  const names = Object.keys(request.headers)
  return (
    names.includes('content-md5') ||
    names.some((name) => algorithmOfHeader(name) !== undefined) ||
    names.includes('x-amz-trailer')
  )
}

function decoderOf({ request }: S3Call, payloadHash: string): AwsChunkedDecoder | undefined {
  const signature = signatureOf(request)
  switch (payloadHash) {
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return new AwsChunkedDecoder(undefined)
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      if (signature === undefined) throw invalidRequest('Signed chunks need a signed request')
      return new AwsChunkedDecoder(signature)
    default:
      if (payloadHash.startsWith('STREAMING-')) throw notImplemented(`x-amz-content-sha256: ${payloadHash}`)
      if (/(^|,)\s*aws-chunked\s*(,|$)/.test(headerOf(request, 'content-encoding') ?? '')) {
        throw invalidRequest('Content-Encoding aws-chunked needs an x-amz-content-sha256 of STREAMING-…')
      }
      return undefined
  }
}

function declaredLength({ request }: S3Call, chunked: boolean): number {
  const name = chunked ? 'x-amz-decoded-content-length' : 'content-length'
  const text = headerOf(request, name)
  if (text === undefined) {
    // A request without a body may leave its length out; one whose length is unknown may not.
    if (!chunked && headerOf(request, 'transfer-encoding') === undefined) return 0
    throw new S3Error(411, 'MissingContentLength', `The request must have the header ${name}`)
  }
  const length = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(length))
    throw invalidRequest(`${name} is no length: ${text}`)
  return length
}

/** The additional checksum that the client sends, as a header or, with aws-chunked, as a trailer. */
function claimedChecksum(
  { request }: S3Call,
  chunked: boolean,
): { algorithm: ChecksumAlgorithm; value: (decoder: AwsChunkedDecoder | undefined) => string } | undefined {
  const headers = Object.keys(request.headers).filter((name) => algorithmOfHeader(name) !== undefined)
  const trailer = headerOf(request, 'x-amz-trailer')?.toLowerCase()
  const names = trailer === undefined ? headers : [...headers, trailer]
  const [name] = names
  const announced = headerOf(request, 'x-amz-sdk-checksum-algorithm')
  if (name === undefined) {
    if (announced === undefined) return undefined
    throw invalidRequest(
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
  if (names.length > 1)
    throw invalidRequest(
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    )
  const algorithm = algorithmOfHeader(name)
  if (algorithm === undefined) throw notImplemented(`the trailer ${name}`)
  if (trailer !== undefined && !chunked) throw invalidRequest('x-amz-trailer needs an aws-chunked body')
  if (announced !== undefined && announced.toLowerCase() !== algorithm) {
    throw invalidRequest(`x-amz-sdk-checksum-algorithm says ${announced}, but ${name} was sent`)
  }
  if (trailer === undefined) {
    const value = headerOf(request, name) ?? ''
    checkChecksumForm(algorithm, value)
    return { algorithm, value: () => value }
  }
  return {
    algorithm,
    value(decoder) {
      const value = decoder?.trailers.get(headerOfAlgorithm(algorithm))
      if (value === undefined) throw invalidRequest(`The trailer ${name} was announced and is missing`)
      checkChecksumForm(algorithm, value)
      return value
    },
  }
}

function checkMd5(claimed: string | undefined, actual: Buffer): void {
  if (claimed === undefined) return
  if (!/^[A-Za-z0-9+/]{22}==$/.test(claimed)) {
    throw new S3Error(400, 'InvalidDigest', 'The Content-MD5 you specified is not valid.')
  }
  checkDigest('Content-MD5', claimed, actual.toString('base64'))
}

function entityTooLarge(limit: number, size: number): S3Error {
  return new S3Error(
    400,
    'EntityTooLarge',
    `Your proposed upload exceeds the maximum allowed size of ${limit} bytes`,
    {
      ProposedSize: String(size),
      MaxSizeAllowed: String(limit),
    },
  )
}
