import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import * as z from 'zod/mini'
import type { EvaluationTokenAnswer, EvaluationTokenRequest } from '../../functions/shared/contract.ts'
import { functionFailure } from '../../functions/shared/function-failure.ts'
import { stagedKeys } from '../../functions/shared/keys.ts'
import { SourceUnavailable } from '../machine/errors.ts'
import { stageBytes, type Staging } from '../machine/staging.ts'

/** How an evaluator reaches the function that gives it a token. */
export interface TokenDesk {
  lambda: LambdaClient
  functionName: string
  /** CodeBuild's name of this very build */
  build: string
  staging: Staging
}

const Answer = z.object({
  token: z.optional(z.string()),
  expires: z.optional(z.string()),
  isApp: z.boolean(),
  repositories: z.array(z.string()),
  unreachable: z.array(z.object({ repository: z.string(), why: z.string() })),
})

// What passes by itself, as the function names it.
const PASSING = new Set(['GitHubUnavailable', 'AwsUnavailable'])

// 3 tries, 5 s and 20 s between them: the function itself has waited for as long as GitHub asked it to.
const PAUSES_MILLISECONDS = [5000, 20_000]

/**
 * Asks for a token, and proves who asks: only this build can create an object below its prefix of staging. Its name is used once.
 * @returns the function's answer, or in its words why it gives none
 * @throws SourceUnavailable when GitHub does not answer it
 */
export async function askForToken(
  desk: TokenDesk,
  pause: (milliseconds: number) => Promise<unknown> = sleep,
): Promise<EvaluationTokenAnswer | { why: string }> {
  for (let attempt = 0; ; attempt++) {
    const answer = await askOnce(desk)
    if (!('why' in answer) || !answer.isPassing) return answer
    const milliseconds = PAUSES_MILLISECONDS[attempt]
    if (milliseconds === undefined) throw new SourceUnavailable(`no token of GitHub: ${answer.why}`)
    await pause(milliseconds)
  }
}

async function askOnce({
  lambda,
  functionName,
  build,
  staging,
}: TokenDesk): Promise<EvaluationTokenAnswer | { why: string; isPassing: boolean }> {
  const nonce = randomBytes(16).toString('hex')
  await stageBytes(
    staging,
    stagedKeys.tokenRequest(staging.prefix, nonce),
    Buffer.from('a token, please\n'),
    {
      type: 'text/plain',
    },
  )
  const request: EvaluationTokenRequest = { build, nonce }
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(request) }),
  )
  const document: unknown = JSON.parse(Payload?.transformToString() ?? 'null')
  if (FunctionError === undefined) {
    const { token, expires, ...rest } = Answer.parse(document)
    return {
      ...rest,
      ...(token === undefined ? {} : { token }),
      ...(expires === undefined ? {} : { expires }),
    }
  }
  const { name, message } = functionFailure(document)
  return { why: message, isPassing: PASSING.has(name) }
}
