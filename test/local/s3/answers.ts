import { S3ServiceException } from '@aws-sdk/client-s3'

/** What an operation came to: `200`, or `<status> <code>` of its error. */
export async function outcome(
  operation: Promise<{ $metadata: { httpStatusCode?: number } }>,
): Promise<string> {
  try {
    return String((await operation).$metadata.httpStatusCode)
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error
    return `${error.$metadata.httpStatusCode} ${error.name}`
  }
}

/** Bytes that repeat nowhere near, the same in every run. */
export function pseudoRandomBytes(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size)
  let state = seed
  for (let offset = 0; offset + 4 <= size; offset += 4) {
    // xorshift32, Marsaglia 2003
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes.writeInt32LE(state, offset)
  }
  return bytes
}
