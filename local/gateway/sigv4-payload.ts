import { PayloadMismatch } from './sigv4-errors.ts'

/**
 * Throws unless the body is the one that was signed. `UNSIGNED-PAYLOAD` and `STREAMING-…` promise nothing about the whole body and pass.
 * Whoever streams a body must not act on it before this was asked at its end.
 * @param claimed `payloadHash` of the verified signature
 * @param actual SHA-256 of the body in hex
 * @throws PayloadMismatch
 */
export function checkPayloadHash(claimed: string, actual: string): void {
  const promisesNothing = claimed === 'UNSIGNED-PAYLOAD' || claimed.startsWith('STREAMING-')
  if (!promisesNothing && claimed !== actual) throw new PayloadMismatch(claimed, actual)
}
