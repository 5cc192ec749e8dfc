import { InvokeCommand } from '@aws-sdk/client-lambda'
import * as z from 'zod/mini'
import type { AccessAnswer, AccessQuestion } from '../../../functions/shared/contract.ts'
import { HearthError } from '../../../functions/shared/errors.ts'
import { functionFailure } from '../../../functions/shared/function-failure.ts'
import { type Deployment, NoDeployment } from '../deployment.ts'

/** The token function cannot look: in its words. */
export class CannotLook extends HearthError {
  override name = 'CannotLook'
}

const Answer = z.object({
  credentials: z.enum(['app', 'token', 'none']),
  webhook: z.string(),
  repository: z.optional(z.object({ reads: z.boolean(), reports: z.boolean(), faults: z.array(z.string()) })),
})

/**
 * Asks the token function what Hearth's credentials for GitHub are, and what they open. No token comes back.
 * @throws NoDeployment when there is no such function; CannotLook
 */
export async function askAccess(
  { lambda, tokenFunction, webhook }: Pick<Deployment, 'lambda' | 'tokenFunction' | 'webhook'>,
  repository?: string,
): Promise<AccessAnswer> {
  const question: AccessQuestion = { kind: 'look', ...(repository === undefined ? {} : { repository }) }
  const { Payload, FunctionError } = await lambda
    .send(new InvokeCommand({ FunctionName: tokenFunction, Payload: JSON.stringify(question) }))
    .catch((error: unknown) => {
      if (error instanceof Error && error.name === 'ResourceNotFoundException')
        throw new NoDeployment(
          `there is no function ${tokenFunction} in this account and region: deploy first, or name the stage with --stage`,
        )
      throw error
    })
  const document: unknown = JSON.parse(Payload?.transformToString() ?? 'null')
  if (FunctionError !== undefined) {
    const { name, message } = functionFailure(document)
    throw new CannotLook(`${name}: ${message}`)
  }
  const { repository: looked, ...rest } = Answer.parse(document)
  return {
    ...rest,
    // what runs on this machine has another address than its template says
    ...(webhook === undefined ? {} : { webhook }),
    ...(looked === undefined ? {} : { repository: looked }),
  }
}
