import type { CodeBuildClient } from '@aws-sdk/client-codebuild'
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import type { Bucket } from '../shared/objects.ts'
import type { Console } from './console.ts'
import type { TokenSource } from '../shared/github/token-source.ts'

/** What Report reads from and speaks to. */
export interface Services {
  state: Bucket
  codebuild: CodeBuildClient
  events: EventBridgeClient
  tokens: TokenSource
  console: Console
}
