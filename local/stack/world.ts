import type { PolicyDocument } from '../gateway/policy.ts'
import type { ResourcePolicy } from '../gateway/resource-policy.ts'
import type { Builds } from '../codebuild/builds.ts'
import type { Machine } from '../codebuild/project.ts'
import type { HttpApi } from '../http-api/http-api.ts'
import type { Functions } from '../lambda/functions.ts'
import type { InputTransformer } from '../events/input-transformer.ts'
import type { Topics } from '../sns/topics.ts'
import type { SecretStore } from '../secrets-manager/secret-store.ts'
import type { S3Client } from '@aws-sdk/client-s3'
import type { SFNClient } from '@aws-sdk/client-sfn'

/** A role of the template, as the gateway has to know it. */
export interface Role {
  logicalId: string
  name: string
  arn: string
  /** `AROA…`, the first half of aws:userid */
  id: string
  policies: PolicyDocument[]
}

/** Who else may invoke a function: AWS::Lambda::Permission. */
export interface FunctionPermission {
  functionName: string
  /** `events.amazonaws.com` */
  principal: string
  /** may hold wildcards */
  sourceArn?: string
}

export interface RuleTarget {
  arn: string
  roleArn?: string
  /** what the target gets in the place of the event, JSON */
  input?: string
  /** what is made of the event for it */
  transformer?: InputTransformer
}

/** What starts targets: an EventBridge rule or a schedule. */
export interface Rule {
  logicalId: string
  arn: string
  /** the service that invokes the targets */
  principal: 'events.amazonaws.com' | 'scheduler.amazonaws.com'
  enabled: boolean
  pattern?: unknown
  schedule?: string
  targets: RuleTarget[]
}

/** An API's integrations and routes, as they come up one by one. */
export interface ApiParts extends HttpApi {
  integrations: Map<string, { functionName: string; timeoutMilliseconds: number }>
}

/** Everything that resources become part of while a template is brought up. */
export interface World {
  stackName: string
  stackArn: string
  /** where the template and its zips are */
  templateFolder: string
  /** where the unzipped functions go */
  codeFolder: string
  /** by logical id or name of a project */
  machines: Record<string, Machine | Machine[]>
  usedMachines: Set<string>
  functions: Functions
  builds: Builds
  secrets: SecretStore
  topics: Topics
  /** both sign as the operator */
  s3: S3Client
  states: SFNClient
  /** by ARN */
  roles: Map<string, Role>
  /** by bucket */
  bucketPolicies: Map<string, ResourcePolicy[]>
  /** by ARN: a secret has one policy at most */
  secretPolicies: Map<string, ResourcePolicy>
  permissions: FunctionPermission[]
  rules: Rule[]
  /** by id */
  apis: Map<string, ApiParts>
  customResources: CustomResources
}

export interface CustomResources {
  /** Sends a function the event of a custom resource, and waits for what it answers at the ResponseURL. */
  request(request: CustomResourceRequest): Promise<Created>
}

export interface CustomResourceRequest {
  logicalId: string
  type: string
  /** ARN or name of the function */
  serviceToken: string
  properties: Record<string, unknown>
  timeoutSeconds: number
}

interface Created {
  physicalId: string
  attributes: Record<string, string>
}
