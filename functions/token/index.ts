import { S3Client } from '@aws-sdk/client-s3'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod/mini'
import { currentConfig } from '../shared/config.ts'
import type { AccessAnswer, TokenAnswer } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { readCredentials } from '../shared/github/credentials.ts'
import { mintToken } from '../shared/github/mint-token.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { NotConfigured } from '../shared/not-configured.ts'
import { lookAt } from './look-at.ts'

const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }
const secrets = new SecretsManagerClient({})

const Repository = z.string().check(z.regex(/^[\w.-]+\/[\w.-]+$/, 'expected owner/name'))
const Question = z.union([
  z.object({ kind: z.enum(['report', 'contents']), repository: Repository }),
  z.object({ kind: z.literal('look'), repository: z.optional(Repository) }),
])

/**
 * Token: gives our own functions a token of GitHub for one repository of hearth.yml, and tells `hearth github` what its credentials open. Evaluators have to ask
 * `evaluation-token`.
 */
export const handler = lambda(Question, async (question): Promise<TokenAnswer | AccessAnswer> => {
  const { config } = await currentConfig(state)
  const { kind, repository } = question
  const readable = kind === 'look' ? config.repositories.flatMap(({ privateInputs }) => privateInputs) : []
  const names = [...config.repositories.map(({ name }) => name), ...readable]
  // GitHub takes `Acme/Shells` and `acme/shells` for the same
  if (repository !== undefined && !names.some((name) => name.toLowerCase() === repository.toLowerCase()))
    throw new NotConfigured(
      `${repository} is not among the repositories of hearth.yml: add it and run \`hearth config push\``,
    )
  const credentials = await readCredentials(secrets, requireEnvironment('GITHUB_CREDENTIALS'))
  if (question.kind === 'look') {
    const webhook = requireEnvironment('WEBHOOK_URL')
    return { webhook, ...(await lookAt(config.github.api, credentials, repository)) }
  }
  const answer = await mintToken(config.github.api, credentials, question.kind, [question.repository])
  logger.info('token', { kind, repository, isApp: answer.isApp, expires: answer.expires })
  return answer
})
