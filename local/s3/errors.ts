/**
 * An error as S3 answers it. `code` and `status` are those of the S3 API reference, "Error responses"; `details` are further elements of the
 * XML answer, such as the key or the condition that failed.
 */
export class S3Error extends Error {
  override name = 'S3Error'
  readonly code: string
  readonly status: number
  readonly details: Record<string, string>
  /** further headers of the answer */
  readonly headers: Record<string, string>

  constructor(
    status: number,
    code: string,
    message: string,
    details: Record<string, string> = {},
    headers: Record<string, string> = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.details = details
    this.headers = headers
  }
}

export function noSuchBucket(bucket: string): S3Error {
  return new S3Error(404, 'NoSuchBucket', `The bucket ${bucket} does not exist`, { BucketName: bucket })
}

export function noSuchKey(key: string): S3Error {
  return new S3Error(404, 'NoSuchKey', `The key ${key} does not exist`, { Key: key })
}

export function noSuchUpload(uploadId: string): S3Error {
  return new S3Error(
    404,
    'NoSuchUpload',
    'The multipart upload does not exist: it was completed or aborted, or its id is wrong',
    { UploadId: uploadId },
  )
}

export function preconditionFailed(condition: string): S3Error {
  return new S3Error(412, 'PreconditionFailed', `The precondition ${condition} did not hold`, {
    Condition: condition,
  })
}

/** What S3 has and this server does not: never ignored, always named. */
export function notImplemented(what: string): S3Error {
  return new S3Error(501, 'NotImplemented', `${what} is not implemented by the local S3 server`)
}

export function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error(400, 'InvalidArgument', message, { ArgumentName: name, ArgumentValue: value })
}

export function invalidRequest(message: string): S3Error {
  return new S3Error(400, 'InvalidRequest', message)
}

export function malformedXml(message: string): S3Error {
  return new S3Error(400, 'MalformedXML', message)
}
