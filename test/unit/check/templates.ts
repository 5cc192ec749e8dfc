import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../scripts/check/json.ts'
import { checkTemplate } from '../../../scripts/check/template/check-template.ts'
import type { Wildcard } from '../../../scripts/check/template/wildcards.ts'

const assumedBy = (service: string): JsonObject => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
})

const policy = (...statements: JsonObject[]): JsonObject => ({
  PolicyName: 'own',
  PolicyDocument: { Version: '2012-10-17', Statement: statements },
})

const attribute = (...path: string[]): JsonObject => ({ 'Fn::GetAtt': path })

/** A template of the same shape as the packaged one, with nothing wrong; a test changes one thing in its copy. */
export function goodTemplate() {
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Resources: {
      PlanLambdaFunction: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          Code: { S3Bucket: { Ref: 'StateBucket' }, S3Key: 'plan.zip' },
          FunctionName: 'hearth-plan',
          Handler: 'dist/plan/index.handler',
          Runtime: 'nodejs24.x',
          Architectures: ['arm64'],
          Timeout: 60,
          Role: attribute('PlanRole', 'Arn'),
          Environment: { Variables: { STATE_BUCKET: { Ref: 'StateBucket' } } },
        } as JsonObject,
        DependsOn: ['PlanLogGroup'],
      },
      PlanLogGroup: {
        Type: 'AWS::Logs::LogGroup',
        Properties: { LogGroupName: '/aws/lambda/hearth-plan', RetentionInDays: 30 } as JsonObject,
      },
      PlanRole: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: assumedBy('lambda.amazonaws.com'),
          Policies: [
            policy(
              {
                Effect: 'Allow',
                Action: ['s3:GetObject'],
                Resource: { 'Fn::Sub': '${StateBucket.Arn}/runs/*' },
              },
              {
                Effect: 'Allow',
                Action: 's3:ListBucket',
                Resource: attribute('StateBucket', 'Arn'),
                Condition: { StringLike: { 's3:prefix': 'runs/*' } },
              },
            ),
          ],
        } as JsonObject,
      },
      StateBucket: {
        Type: 'AWS::S3::Bucket',
        Properties: {
          PublicAccessBlockConfiguration: {
            BlockPublicAcls: true,
            BlockPublicPolicy: true,
            IgnorePublicAcls: true,
            RestrictPublicBuckets: true,
          },
          OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
          BucketEncryption: {
            ServerSideEncryptionConfiguration: [
              { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
            ],
          },
        } as JsonObject,
      } as { Type: string; Properties: JsonObject; Property?: JsonObject },
      StateBucketPolicy: {
        Type: 'AWS::S3::BucketPolicy',
        Properties: {
          Bucket: { Ref: 'StateBucket' },
          PolicyDocument: {
            Statement: [
              {
                Effect: 'Deny',
                Principal: '*',
                Action: 's3:*',
                Resource: [
                  attribute('StateBucket', 'Arn'),
                  { 'Fn::Sub': '${StateBucket.Arn}/*' },
                ] as JsonObject[],
                Condition: { Bool: { 'aws:SecureTransport': 'false' } },
              },
            ],
          },
        },
      },
      Builder: {
        Type: 'AWS::CodeBuild::Project',
        Properties: {
          ServiceRole: attribute('BuilderRole', 'Arn'),
          Artifacts: { Type: 'NO_ARTIFACTS' },
          Source: { Type: 'NO_SOURCE', BuildSpec: '{}' },
          Environment: { Type: 'LINUX_CONTAINER', ComputeType: 'BUILD_GENERAL1_LARGE', Image: 'x' },
          TimeoutInMinutes: 120,
          QueuedTimeoutInMinutes: 480,
        } as JsonObject,
      },
      BuilderRole: {
        Type: 'AWS::IAM::Role',
        Properties: { AssumeRolePolicyDocument: assumedBy('codebuild.amazonaws.com') } as JsonObject,
      },
      Warm: {
        Type: 'AWS::StepFunctions::StateMachine',
        Properties: {
          RoleArn: attribute('WarmRole', 'Arn'),
          Definition: {
            QueryLanguage: 'JSONata',
            StartAt: 'Plan',
            States: {
              Plan: {
                Type: 'Task',
                Resource: 'arn:aws:states:::lambda:invoke',
                Arguments: { FunctionName: '${PlanFunctionArn}', Payload: {} },
                TimeoutSeconds: 70,
                Next: 'Build',
              } as JsonObject,
              Build: {
                Type: 'Task',
                Resource: 'arn:aws:states:::codebuild:startBuild.sync',
                Arguments: {
                  ProjectName: "{% $lookup({'x86_64-linux': '${BuilderProject}'}, $states.input) %}",
                },
                TimeoutSeconds: 36060,
                End: true,
              } as JsonObject,
            },
          },
          DefinitionSubstitutions: {
            PlanFunctionArn: attribute('PlanLambdaFunction', 'Arn'),
            BuilderProject: { Ref: 'Builder' },
          } as JsonObject,
        },
      },
      WarmRole: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: assumedBy('states.amazonaws.com'),
          Policies: [
            policy({
              Effect: 'Allow',
              Action: 'lambda:InvokeFunction',
              Resource: attribute('PlanLambdaFunction', 'Arn'),
            }),
            policy({
              Effect: 'Allow',
              Action: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
              Resource: {
                'Fn::Sub':
                  'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/StepFunctionsGetEventForCodeBuildStartBuildRule',
              },
            }),
          ],
        } as JsonObject,
      },
      Install: {
        Type: 'Custom::Install',
        Properties: { ServiceToken: attribute('PlanLambdaFunction', 'Arn'), Contents: 'abc' } as JsonObject,
      },
    },
    Outputs: { Key: { Value: { 'Fn::Sub': '${Install.Key}-${AWS::Region}-${!Literal}' } } } as JsonObject,
  }
}

export type GoodTemplate = ReturnType<typeof goodTemplate>

const specification = loadAwsServiceSpecSync()

export interface World {
  functionFolders?: string[]
  wildcards?: Wildcard[]
}

/** The findings about a copy of the good template with one thing changed: `where.field (rule): problem`. */
export async function findings(
  change: (template: GoodTemplate) => void,
  world: World = {},
): Promise<string[]> {
  const template = goodTemplate()
  change(template)
  const expectations = { specification, functionFolders: ['plan'], wildcards: [], ...world }
  const body: JsonObject = JSON.parse(JSON.stringify(template))
  const found = await checkTemplate('template.json', body, expectations)
  return found.map(
    ({ where, field, rule, problem }) => `${[where, field].filter(Boolean).join('.')} (${rule}): ${problem}`,
  )
}

export type Case = [fault: string, change: (template: GoodTemplate) => void, ...expected: string[]]
export function eachFault(cases: Case[]): void {
  test.each(cases)('%s', async (_, change, ...expected) => {
    expect(await findings(change)).toEqual(expected.map((start) => expect.stringContaining(start)))
  })
}

/** The resources that tests change most. */
export const plan = ({ Resources }: GoodTemplate): GoodTemplate['Resources']['PlanLambdaFunction'] =>
  Resources.PlanLambdaFunction
export const bucket = ({ Resources }: GoodTemplate): GoodTemplate['Resources']['StateBucket'] =>
  Resources.StateBucket
export const builder = ({ Resources }: GoodTemplate): GoodTemplate['Resources']['Builder'] =>
  Resources.Builder

export function addResources(template: GoodTemplate, resources: object): void {
  Object.assign(template.Resources, resources)
}
