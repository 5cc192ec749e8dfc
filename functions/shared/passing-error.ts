import { HearthError } from './errors.ts'

/** An AWS service did not answer, or asks to slow down; the SDK has tried three times by itself. */
export class AwsUnavailable extends HearthError {
  override name = 'AwsUnavailable'
  override retryable = true
}

// What Node says of a connection that broke; a body that breaks off while it is read reaches us like this, past the SDK's own tries.
const CONNECTION_CODES = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
])

/**
 * Whether an error comes from an AWS service or the way to it, and passes by itself. Source: AWS SDK for JavaScript, `@smithy/service-error-classification`.
 */
export function isPassing(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  if ('$retryable' in error && error.$retryable !== undefined) return true
  if (error.name === 'TimeoutError') return true
  if ('code' in error && typeof error.code === 'string' && CONNECTION_CODES.has(error.code)) return true
  const status =
    ('$metadata' in error && (error.$metadata as { httpStatusCode?: number }).httpStatusCode) || 0
  return status >= 500 || status === 429
}
