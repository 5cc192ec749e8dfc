/**
 * Why a signature was not accepted. `name` is AWS's error code for S3 where AWS has one; `status` is the HTTP status to answer with. No
 * message ever holds an expected signature, a secret or a token.
 */
export class SignatureError extends Error {
  readonly status: number = 403
}

export class MissingSecurityHeader extends SignatureError {
  override name = 'MissingSecurityHeader'
  override readonly status = 400
  constructor(header: string) {
    super(`the request lacks the header ${header}, which a signed request must have`)
  }
}

export class AuthorizationMalformed extends SignatureError {
  override name = 'AuthorizationHeaderMalformed'
  override readonly status = 400
}

export class InvalidAccessKeyId extends SignatureError {
  override name = 'InvalidAccessKeyId'
  constructor(accessKeyId: string) {
    super(`the access key id ${JSON.stringify(accessKeyId)} does not exist here`)
  }
}

export class InvalidSecurityToken extends SignatureError {
  override name = 'InvalidToken'
  override readonly status = 400
  constructor() {
    super('the session token does not belong to the access key id')
  }
}

export class HeadersNotSigned extends SignatureError {
  override name = 'HeadersNotSigned'
  constructor(headers: string[]) {
    super(`there are headers in the request that must be signed and are not: ${headers.join(', ')}`)
  }
}

export class RequestTimeTooSkewed extends SignatureError {
  override name = 'RequestTimeTooSkewed'
  constructor(timestamp: string, now: Date) {
    super(`the request was signed at ${timestamp}, more than 15 minutes from now, ${now.toISOString()}`)
  }
}

export class RequestExpired extends SignatureError {
  override name = 'RequestExpired'
  constructor(end: Date) {
    super(`the presigned request expired at ${end.toISOString()}`)
  }
}

export class SignatureDoesNotMatch extends SignatureError {
  override name = 'SignatureDoesNotMatch'
  constructor(signedHeaders: string[]) {
    super(
      `the signature does not match the request; check the secret access key and that nothing changed: ${signedHeaders.join(', ')}`,
    )
  }
}

/** The body is not the one that was signed. */
export class PayloadMismatch extends SignatureError {
  override name = 'XAmzContentSHA256Mismatch'
  override readonly status = 400
  constructor(claimed: string, actual: string) {
    super(`x-amz-content-sha256 says ${claimed}, but the body's SHA-256 is ${actual}`)
  }
}
