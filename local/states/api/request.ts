import * as z from 'zod/mini'
import { en } from 'zod/locales'
import { ApiError } from './api-error.ts'

const arnText = z.string().check(z.minLength(1), z.maxLength(256))

export const fields = {
  arn: arnText,
  /** checked by the operation, because a bad name has an error of its own */
  name: z.string(),
  text: z.string(),
  /** 0 stands for the default, 100 */
  maxResults: z.optional(z.number().check(z.int(), z.minimum(0), z.maximum(1000))),
  nextToken: z.optional(z.string().check(z.minLength(1), z.maxLength(1024))),
  flag: z.optional(z.boolean()),
  /** 256 KiB of UTF-8 */
  payload: z
    .string()
    .check(z.refine((text) => Buffer.byteLength(text) <= 262_144, 'must have at most 262144 bytes')),
  error: z.optional(z.string().check(z.maxLength(256))),
  cause: z.optional(z.string().check(z.maxLength(32_768))),
}

/** zod/mini has no messages of its own. */
const IN_WORDS = { error: en().localeError }

/**
 * Reads a request's parameters. One that we do not know is refused, because ignoring it would do something else than AWS.
 * @throws ApiError ValidationException naming every parameter that is wrong
 */
export function read<T>(schema: z.ZodMiniType<T>, body: unknown): T {
  const result = z.safeParse(schema, body, IN_WORDS)
  if (result.success) return result.data
  const faults = result.error.issues.map(({ path, message }) =>
    path.length > 0 ? `'${path.join('.')}': ${message}` : message,
  )
  throw new ApiError(
    'ValidationException',
    `${faults.length} validation error detected: ${faults.join('; ')}`,
  )
}

/** Refuses text that is no ARN of the kind that an operation works on. @throws ApiError InvalidArn */
export function checkArn(arn: string, kind: 'stateMachine' | 'execution' | 'activity'): void {
  if (!arn.startsWith('arn:')) throw new ApiError('InvalidArn', `Invalid Arn: 'Invalid ARN prefix: ${arn}'`)
  if (!new RegExp(`^arn:aws:states:[a-z0-9-]+:\\d{12}:${kind}:`).test(arn))
    throw new ApiError('InvalidArn', `Invalid Arn: 'Resource type not valid in this context: ${arn}'`)
}
