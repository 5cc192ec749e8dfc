import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { canonicalHeader, canonicalPath, canonicalQuery, splitUrl } from './sigv4-canonical.ts'
import {
  AuthorizationMalformed,
  HeadersNotSigned,
  InvalidAccessKeyId,
  InvalidSecurityToken,
  MissingSecurityHeader,
  RequestExpired,
  RequestTimeTooSkewed,
  SignatureDoesNotMatch,
} from './sigv4-errors.ts'

export interface Credential {
  secretAccessKey: string
  /** set for temporary credentials; the request must then carry it */
  sessionToken?: string
}

/** What a valid signature proves about a request. */
export interface VerifiedSignature {
  accessKeyId: string
  /** of the credential scope: `s3`, `states` */
  service: string
  region: string
  /** lower case */
  signedHeaders: string[]
  /**
   * What the signature says of the body: 64 hexadecimal digits that the service must compare with the body, `UNSIGNED-PAYLOAD`, or a
   * `STREAMING-…` name.
   */
  payloadHash: string
  /** whether the signature came in the query string */
  presigned: boolean
  /** x-amz-date, `20150830T123600Z` */
  timestamp: string
  /** `20150830/us-east-1/s3/aws4_request` */
  scope: string
  /** the request's own signature, the seed of its chunks' signatures; never log it */
  signature: string
  /** HMAC of a string to sign with the day's key, for signatures of chunks */
  sign(stringToSign: string): string
}

export interface VerifyOptions {
  /** SHA-256 of the body in hex, where a service other than S3 sends no x-amz-content-sha256 */
  payloadHash?: string
  now?: Date
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
// 15 minutes: S3 API reference, error code RequestTimeTooSkewed.
const MAXIMUM_SKEW = 15 * 60 * 1000
// One week: S3 user guide, "Sharing objects with presigned URLs".
const MAXIMUM_EXPIRY = 7 * 24 * 60 * 60

/** What the Authorization header or the query string says, not yet believed. */
interface Claim {
  accessKeyId: string
  scope: string
  date: string
  region: string
  service: string
  signedHeaders: string[]
  signature: string
  timestamp: string
  sessionToken: string | undefined
  payloadHash: string
  presigned: boolean
  /** lifetime of a presigned request in seconds */
  expires: number
}

const verified = new WeakMap<IncomingMessage, VerifiedSignature>()

/** The signature that `verifySignature` accepted for this request; undefined when it has none. */
export function signatureOf(request: IncomingMessage): VerifiedSignature | undefined {
  return verified.get(request)
}

/** Whether a request claims to be signed; one that is not is anonymous. */
export function isSigned(request: IncomingMessage): boolean {
  return request.headers.authorization !== undefined || /[?&]X-Amz-Signature=/.test(request.url ?? '')
}

/**
 * Verifies AWS Signature Version 4 of a request, in its Authorization header or in its query string. The body is not read: compare it with
 * `payloadHash` while reading (`sigv4-payload.ts`).
 * Source: IAM user guide, "Create a signed AWS API request"; S3 API reference, "Authenticating requests (AWS Signature Version 4)".
 * @throws a SignatureError: MissingSecurityHeader, AuthorizationMalformed, InvalidAccessKeyId, InvalidSecurityToken, HeadersNotSigned,
 * RequestTimeTooSkewed, RequestExpired or SignatureDoesNotMatch
 */
export function verifySignature(
  request: IncomingMessage,
  lookup: (accessKeyId: string) => Credential | undefined,
  options: VerifyOptions = {},
): VerifiedSignature {
  const { path, query } = splitUrl(request.url ?? '/')
  const claim =
    request.headers.authorization === undefined
      ? claimOfQuery(request, query)
      : claimOfHeader(request, request.headers.authorization, options.payloadHash)
  const credential = lookup(claim.accessKeyId)
  if (credential === undefined) throw new InvalidAccessKeyId(claim.accessKeyId)
  if (!sameText(claim.sessionToken ?? '', credential.sessionToken ?? '')) throw new InvalidSecurityToken()
  checkTime(claim, options.now ?? new Date())
  checkSignedHeaders(request, claim)

  const canonical = [
    request.method,
    canonicalPath(path, claim.service),
    canonicalQuery(query),
    ...claim.signedHeaders.map((name) => `${name}:${canonicalHeader(request, name)}`),
    '',
    claim.signedHeaders.join(';'),
    claim.payloadHash,
  ].join('\n')
  const key = signingKey(credential.secretAccessKey, claim)
  const sign = (stringToSign: string): string => createHmac('sha256', key).update(stringToSign).digest('hex')
  const expected = sign([ALGORITHM, claim.timestamp, claim.scope, sha256(canonical)].join('\n'))
  if (!sameText(claim.signature, expected)) throw new SignatureDoesNotMatch(claim.signedHeaders)

  const result = { ...provenBy(claim), sign }
  verified.set(request, result)
  return result
}

function provenBy(claim: Claim): Omit<VerifiedSignature, 'sign'> {
  const { accessKeyId, service, region, signedHeaders, payloadHash, presigned, timestamp, scope } = claim
  const { signature } = claim
  return { accessKeyId, service, region, signedHeaders, payloadHash, presigned, timestamp, scope, signature }
}

/** Compares two texts in a time that does not depend on where they differ. */
export function sameText(left: string, right: string): boolean {
  return timingSafeEqual(
    createHash('sha256').update(left).digest(),
    createHash('sha256').update(right).digest(),
  )
}

function claimOfHeader(request: IncomingMessage, authorization: string, bodyHash: string | undefined): Claim {
  const [algorithm, ...rest] = authorization.split(' ')
  if (algorithm !== ALGORITHM) {
    throw new AuthorizationMalformed(`the Authorization header must begin with ${ALGORITHM}`)
  }
  const fields = new Map(
    rest
      .join('')
      .split(',')
      .map((field) => {
        const equals = field.indexOf('=')
        return [field.slice(0, equals), field.slice(equals + 1)] as const
      }),
  )
  const contentHash = headerOf(request, 'x-amz-content-sha256')
  const scope = parseCredential(fields.get('Credential'))
  const payloadHash = contentHash ?? (scope.service === 's3' ? undefined : bodyHash)
  if (payloadHash === undefined) throw new MissingSecurityHeader('x-amz-content-sha256')
  const timestamp = headerOf(request, 'x-amz-date')
  if (timestamp === undefined) throw new MissingSecurityHeader('x-amz-date')
  return {
    ...scope,
    ...signedHeadersAndSignature(fields.get('SignedHeaders'), fields.get('Signature')),
    timestamp,
    sessionToken: headerOf(request, 'x-amz-security-token'),
    payloadHash,
    presigned: false,
    expires: 0,
  }
}

function claimOfQuery(request: IncomingMessage, query: [string, string][]): Claim {
  const parameters = new Map(query)
  if (!parameters.has('X-Amz-Signature')) throw new MissingSecurityHeader('Authorization')
  if (parameters.get('X-Amz-Algorithm') !== ALGORITHM) {
    throw new AuthorizationMalformed(`X-Amz-Algorithm must be ${ALGORITHM}`)
  }
  const timestamp = parameters.get('X-Amz-Date')
  if (timestamp === undefined) throw new MissingSecurityHeader('X-Amz-Date')
  const expires = Number(parameters.get('X-Amz-Expires'))
  if (!Number.isInteger(expires) || expires < 1 || expires > MAXIMUM_EXPIRY) {
    throw new AuthorizationMalformed(`X-Amz-Expires must be 1 to ${MAXIMUM_EXPIRY} seconds`)
  }
  return {
    ...parseCredential(parameters.get('X-Amz-Credential')),
    ...signedHeadersAndSignature(parameters.get('X-Amz-SignedHeaders'), parameters.get('X-Amz-Signature')),
    timestamp,
    sessionToken: parameters.get('X-Amz-Security-Token'),
    payloadHash:
      headerOf(request, 'x-amz-content-sha256') ??
      parameters.get('X-Amz-Content-Sha256') ??
      'UNSIGNED-PAYLOAD',
    presigned: true,
    expires,
  }
}

function parseCredential(
  value: string | undefined,
): Pick<Claim, 'accessKeyId' | 'scope' | 'date' | 'region' | 'service'> {
  const [accessKeyId, date, region, service, terminator, ...more] = (value ?? '').split('/')
  const complete = accessKeyId && date && region && service && terminator === 'aws4_request'
  if (!complete || more.length > 0 || !/^\d{8}$/.test(date)) {
    throw new AuthorizationMalformed('Credential must be <key id>/<yyyymmdd>/<region>/<service>/aws4_request')
  }
  return { accessKeyId, scope: `${date}/${region}/${service}/aws4_request`, date, region, service }
}

function signedHeadersAndSignature(
  signedHeaders: string | undefined,
  signature: string | undefined,
): Pick<Claim, 'signedHeaders' | 'signature'> {
  if (!signedHeaders || !signature || !/^[0-9a-f]{64}$/.test(signature)) {
    throw new AuthorizationMalformed('SignedHeaders and a Signature of 64 hexadecimal digits are required')
  }
  return { signedHeaders: signedHeaders.split(';'), signature }
}

function checkTime(claim: Claim, now: Date): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(claim.timestamp)
  if (parts === null || !claim.timestamp.startsWith(claim.date)) {
    throw new AuthorizationMalformed(
      'x-amz-date must be like 20150830T123600Z and agree with the credential scope',
    )
  }
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number)
  const signed = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second)
  const age = now.getTime() - signed
  if (age < -MAXIMUM_SKEW || (!claim.presigned && age > MAXIMUM_SKEW)) {
    throw new RequestTimeTooSkewed(claim.timestamp, now)
  }
  if (claim.presigned && age > claim.expires * 1000) {
    throw new RequestExpired(new Date(signed + claim.expires * 1000))
  }
}

/** `host` and every `x-amz-*` header must be signed, or a man in the middle could add one. */
function checkSignedHeaders(request: IncomingMessage, claim: Claim): void {
  const needed = ['host', ...Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'))]
  const unsigned = needed.filter((name) => !claim.signedHeaders.includes(name))
  if (unsigned.length > 0) throw new HeadersNotSigned(unsigned)
}

function signingKey(secret: string, { date, region, service }: Claim): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), 'aws4_request')
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
