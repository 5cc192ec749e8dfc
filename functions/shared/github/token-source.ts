import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import * as z from 'zod/mini'
import type { TokenAnswer, TokenRequest } from '../contract.ts'
import { HearthError } from '../errors.ts'
import { functionFailure } from '../function-failure.ts'
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

// A token lasts an hour. 10 minutes before that another one is asked for: what is done with it is done by then.
const MARGIN_MS = 10 * 60 * 1000

/** Where our own functions get tokens. */
export interface TokenSource {
  /** One that is good for some minutes at least. @throws NoToken with the token function's own words; GitHubUnavailable when trying again can help */
  ask(request: TokenRequest): Promise<TokenAnswer>
  /** Another one than before, which GitHub does not take. */
  renew(request: TokenRequest): Promise<TokenAnswer>
}

/**
 * Asks the token function, and remembers what it said for as long as that is good.
 * @param functionName of the token function
 */
export function tokenSource(
  lambda: LambdaClient,
  functionName: string,
  now: () => number = Date.now,
): TokenSource {
  const kept = new Map<string, TokenAnswer>()

  async function renew(request: TokenRequest): Promise<TokenAnswer> {
    const { Payload, FunctionError } = await lambda.send(
      new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(request) }),
    )
    const document: unknown = JSON.parse(Payload?.transformToString() ?? 'null')
    if (FunctionError !== undefined) throw failureOf(document)
    const { token, expires, isApp } = z.parse(Answer, document)
    const said: TokenAnswer = {
      isApp,
      ...(token === undefined ? {} : { token }),
      ...(expires === undefined ? {} : { expires }),
    }
    kept.set(keyOf(request), said)
    return said
  }

  return {
    async ask(request) {
      const known = kept.get(keyOf(request))
      const isGood = known?.expires !== undefined && Date.parse(known.expires) - MARGIN_MS > now()
      return isGood ? known : renew(request)
    },
    renew,
  }
}

function keyOf({ kind, repository }: TokenRequest): string {
  return `${kind} ${repository}`
}

function failureOf(document: unknown): HearthError {
  const { name, message } = functionFailure(document)
  return name === 'GitHubUnavailable' || name === 'AwsUnavailable'
    ? new GitHubUnavailable(message)
    : new NoToken(message)
}
