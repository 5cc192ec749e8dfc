import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import * as z from 'zod/mini'
import type { TokenAnswer, TokenRequest } from '../contract.ts'
import { HearthError } from '../errors.ts'
import { GitHubUnavailable } from './client.ts'

/** Why there is no token, although Hearth has credentials. */
export class NoToken extends HearthError {
  override name = 'NoToken'
}

const Answer = z.object({
  token: z.optional(z.string()),
  expires: z.optional(z.string()),
  isApp: z.boolean(),
})
const Failure = z.object({ errorType: z.optional(z.string()), errorMessage: z.optional(z.string()) })

// A token lasts an hour. 10 minutes before that another one is asked for: what is done with it is done by then.
const MARGIN_MS = 10 * 60 * 1000

/**
 * Asks the token function, and remembers what it said for as long as that is good.
 * @param functionName of the token function
 * @throws NoToken with the function's own words; GitHubUnavailable when trying again can help
 */
export function tokenSource(
  lambda: LambdaClient,
  functionName: string,
  now: () => number = Date.now,
): (request: TokenRequest) => Promise<TokenAnswer> {
  const kept = new Map<string, TokenAnswer>()
  return async (request) => {
    const key = `${request.kind} ${request.repository}`
    const known = kept.get(key)
    if (known?.expires !== undefined && Date.parse(known.expires) - MARGIN_MS > now()) return known
    const { Payload, FunctionError } = await lambda.send(
      new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(request) }),
    )
    const document: unknown = JSON.parse(Payload?.transformToString() ?? 'null')
    if (FunctionError !== undefined) throw failureOf(document)
    const answer = z.parse(Answer, document)
    const { token, expires, isApp } = answer
    const said: TokenAnswer = {
      isApp,
      ...(token === undefined ? {} : { token }),
      ...(expires === undefined ? {} : { expires }),
    }
    kept.set(key, said)
    return said
  }
}

function failureOf(document: unknown): HearthError {
  const failure = z.safeParse(Failure, document)
  const { errorType, errorMessage } = failure.success ? failure.data : {}
  const message = errorMessage ?? 'the token function gave no reason'
  return errorType === 'GitHubUnavailable' || errorType === 'AwsUnavailable'
    ? new GitHubUnavailable(message)
    : new NoToken(message)
}
