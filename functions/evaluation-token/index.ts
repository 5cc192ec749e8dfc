import { CodeBuildClient } from '@aws-sdk/client-codebuild'
import { S3Client } from '@aws-sdk/client-s3'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod/mini'
import { currentConfig, findRepository } from '../shared/config.ts'
import type { EvaluationTokenAnswer } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { readCredentials } from '../shared/github/credentials.ts'
import { lambda, logger } from '../shared/lambda.ts'
import { NotConfigured } from '../shared/not-configured.ts'
import { jobOfBuild } from './job-of-build.ts'
import { mintForEvaluation } from './mint-for-evaluation.ts'
import { proveEvaluator } from './prove-evaluator.ts'
import { useNonce } from './use-nonce.ts'

const s3 = new S3Client({})
const state = { s3, name: requireEnvironment('STATE_BUCKET') }
const staging = { s3, name: requireEnvironment('STAGING_BUCKET') }
const codebuild = new CodeBuildClient({})
const secrets = new SecretsManagerClient({})

const EvaluationTokenRequest = z.object({
  build: z.string().check(z.regex(/^[\w-]+:[\w-]{1,64}$/, 'expected <project>:<id of the build>')),
  nonce: z.string().check(z.regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits')),
})

/**
 * Evaluation-token: gives an evaluator a token that reads the target of its own run and the private inputs that hearth.yml allows for it. It believes the
 * evaluator nothing: who it is, what it staged proves; what it evaluates, CodeBuild and Resolve's job say; what it may read, the current configuration.
 */
export const handler = lambda(
  EvaluationTokenRequest,
  async ({ build, nonce }): Promise<EvaluationTokenAnswer> => {
    const evaluator = {
      roleId: requireEnvironment('EVALUATOR_ROLE_ID'),
      project: requireEnvironment('EVALUATOR_PROJECT'),
    }
    await proveEvaluator(staging, evaluator, { build, nonce })
    const { run, repository } = await jobOfBuild(codebuild, state, evaluator.project, build)
    const { config } = await currentConfig(state)
    const configured = findRepository(config, repository)
    if (configured === undefined)
      throw new NotConfigured(`${repository} is not among the repositories of hearth.yml any more`)
    await useNonce(state, evaluator.roleId, { build, nonce }, { run, repository })
    const credentials = await readCredentials(secrets, requireEnvironment('GITHUB_CREDENTIALS'))
    const answer = await mintForEvaluation(
      config.github.api,
      credentials,
      repository,
      configured.privateInputs,
    )
    const { isApp, expires, repositories, unreachable } = answer
    logger.info('token', { run, build, isApp, expires, repositories, unreachable })
    return answer
  },
)
