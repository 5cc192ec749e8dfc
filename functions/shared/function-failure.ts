import * as z from 'zod/mini'

const Failure = z.object({ errorType: z.optional(z.string()), errorMessage: z.optional(z.string()) })

/**
 * What a Lambda function that failed says of its error. Source: Lambda API reference, Invoke, X-Amz-Function-Error.
 * @param document the payload of its answer, parsed; anything at all
 */
export function functionFailure(document: unknown): { name: string; message: string } {
  const { success, data } = z.safeParse(Failure, document)
  const { errorType = 'Error', errorMessage = 'the function gave no reason' } = success ? data : {}
  return { name: errorType, message: errorMessage }
}
