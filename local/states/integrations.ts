import type { CodeBuildClient } from '@aws-sdk/client-codebuild'
import type { LambdaClient } from '@aws-sdk/client-lambda'
import type { SFNClient } from '@aws-sdk/client-sfn'
import type { Integrations } from './integration.ts'
import { startBuild, startBuildSync } from './integration-codebuild.ts'
import { invoke } from './integration-lambda.ts'
import { startExecutionSync, type StatusChanges } from './integration-states.ts'

/**
 * The integrations of our subset over AWS clients. The clients carry the credentials of the state machine's role, so what that role may not do fails
 * here as it would at AWS.
 * @param pollMilliseconds between two looks at a build
 */
export function createIntegrations(clients: {
  lambda: LambdaClient
  codebuild: CodeBuildClient
  states: SFNClient
  /** how the end of an execution is heard of */
  changes: StatusChanges
  pollMilliseconds?: number
}): Integrations {
  const { lambda, codebuild, states, changes, pollMilliseconds = 1000 } = clients
  return {
    'arn:aws:states:::lambda:invoke': invoke(lambda),
    'arn:aws:states:::lambda:invoke.waitForTaskToken': invoke(lambda),
    'arn:aws:states:::codebuild:startBuild': startBuild(codebuild),
    'arn:aws:states:::codebuild:startBuild.sync': startBuildSync(codebuild, pollMilliseconds),
    'arn:aws:states:::states:startExecution.sync:2': startExecutionSync(states, changes),
  }
}
