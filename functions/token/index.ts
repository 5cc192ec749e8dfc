import { S3Client } from '@aws-sdk/client-s3'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod/mini'
import { currentConfig } from '../shared/config.ts'
import type { TokenAnswer } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { readCredentials } from '../shared/github/credentials.ts'
import { mintToken } from '../shared/github/mint-token.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { NotConfigured } from '../shared/not-configured.ts'

const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }
const secrets = new SecretsManagerClient({})

const TokenRequest = z.object({
  kind: z.enum(['report', 'contents']),
  repository: z.string().check(z.regex(/^[\w.-]+\/[\w.-]+$/, 'expected owner/name')),
})

/** Token: gives our own functions a token of GitHub for one repository of hearth.yml. Evaluators have to ask `evaluation-token`. */
export const handler = lambda(TokenRequest, async ({ kind, repository }): Promise<TokenAnswer> => {
  const { config } = await currentConfig(state)
  if (!config.repositories.some(({ name }) => name === repository))
    throw new NotConfigured(`${repository} is not among the repositories of hearth.yml`)
  const credentials = await readCredentials(secrets, requireEnvironment('GITHUB_CREDENTIALS'))
  const answer = await mintToken(config.github.api, credentials, kind, [repository])
  logger.info('token', { kind, repository, isApp: answer.isApp, expires: answer.expires })
  return answer
})
