import type { ResourceType } from './resource-type.ts'
import { bucket, bucketPolicy } from './resources/bucket.ts'
import { customResource } from './resources/custom-resource.ts'
import { lambdaFunction, permission } from './resources/function.ts'
import { api, integration, route, stage } from './resources/http-api.ts'
import { withoutEffect } from './resources/no-effect.ts'
import { project } from './resources/project.ts'
import { policy, role } from './resources/role.ts'
import { rule, schedule } from './resources/rule.ts'
import { secret, secretPolicy } from './resources/secret.ts'
import { topic, topicPolicy } from './resources/topic.ts'
import { activity, stateMachine } from './resources/state-machine.ts'

const TYPES: Record<string, ResourceType> = {
  'AWS::ApiGatewayV2::Api': api,
  'AWS::ApiGatewayV2::Integration': integration,
  'AWS::ApiGatewayV2::Route': route,
  'AWS::ApiGatewayV2::Stage': stage,
  'AWS::CodeBuild::Project': project,
  'AWS::Events::Rule': rule,
  'AWS::IAM::Policy': policy,
  'AWS::IAM::Role': role,
  'AWS::Lambda::Function': lambdaFunction,
  'AWS::Lambda::Permission': permission,
  'AWS::S3::Bucket': bucket,
  'AWS::S3::BucketPolicy': bucketPolicy,
  'AWS::SNS::Topic': topic,
  'AWS::SNS::TopicPolicy': topicPolicy,
  'AWS::Scheduler::Schedule': schedule,
  'AWS::SecretsManager::ResourcePolicy': secretPolicy,
  'AWS::SecretsManager::Secret': secret,
  'AWS::StepFunctions::Activity': activity,
  'AWS::StepFunctions::StateMachine': stateMachine,
  ...withoutEffect,
}

/** How resources of a type come up; undefined for a type that the local stack does not know. */
export function findResourceType(type: string): ResourceType | undefined {
  if (type.startsWith('Custom::')) return customResource(type)
  return TYPES[type]
}
