import { CodeBuildClient } from '@aws-sdk/client-codebuild'
import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import type { RunId } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { tokenSource } from '../shared/github/token-source.ts'
import { lambda } from '../shared/lambda.ts'
import { currentConfig } from '../shared/config.ts'
import type { EvaluationJob } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { readJson } from '../shared/objects.ts'
import { beginningOf } from './report-of.ts'
import { reportEnding } from './report-ending.ts'
import { reportStanding } from './report-standing.ts'
import { ReportRequest } from './request.ts'
import type { Services } from './services.ts'
import { tellEverybody } from './tell-everybody.ts'

const services: Services = {
  state: { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') },
  codebuild: new CodeBuildClient({}),
  events: new EventBridgeClient({}),
  tokens: tokenSource(new LambdaClient({}), requireEnvironment('TOKEN_FUNCTION')),
  console: {
    executions: requireEnvironment('WARM_EXECUTIONS'),
    stateBucket: requireEnvironment('STATE_BUCKET'),
  },
}

/**
 * Report: tells GitHub and everybody else that a run has begun, how its shells stand while it goes on, and how it ended, whichever way it ended. Asked twice, it
 * says the same, and tells nobody twice.
 */
export const handler = lambda(ReportRequest, async (request): Promise<object> => {
  if ('began' in request) return reportBeginning(request.run)
  if ('wave' in request) return reportStanding(services, request)
  return reportEnding(services, request)
})

async function reportBeginning(run: RunId): Promise<object> {
  const [job, config] = await Promise.all([
    readJson<EvaluationJob>(services.state, stateKeys.job(run)),
    currentConfig(services.state),
  ])
  await tellEverybody(services, config, beginningOf(services, job), 'began')
  return {}
}
