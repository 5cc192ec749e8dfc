import { Logger } from '@aws-lambda-powertools/logger'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import * as z from 'zod/mini'
import { HearthError } from './errors.ts'
import { explainFindings } from './findings.ts'
import { AwsUnavailable, isPassing } from './passing-error.ts'

export const logger = new Logger()

export class InvalidInput extends HearthError {
  override name = 'InvalidInput'
}

/**
 * A state's handler: the payload is checked against the state's contract, the run's name is on every log line, and what the handler
 * throws is thrown on, because Step Functions matches the error's name.
 */
export function lambda<Schema extends z.ZodMiniType, Result>(
  schema: Schema,
  handle: (input: z.output<Schema>, context: Context) => Promise<Result>,
) {
  return middy<unknown, Result>()
    .use(injectLambdaContext(logger, { resetKeys: true }))
    .handler(async (event, context) => {
      const parsed = z.safeParse(schema, event)
      if (!parsed.success) throw new InvalidInput(explainFindings(parsed.error))
      const { run } = parsed.data as { run?: string }
      if (run !== undefined) logger.appendKeys({ run })
      try {
        return await handle(parsed.data, context)
      } catch (error) {
        // Step Functions retries by name, and AWS has a hundred names for this one thing
        if (isPassing(error)) throw new AwsUnavailable(`${error.name}: ${error.message}`)
        throw error
      }
    })
}
