import { describe, expect, test } from 'vitest'
import { eachFault, findings, type GoodTemplate } from './templates.ts'

const grant = (statement: object) => (template: GoodTemplate) => {
  const PolicyDocument = { Statement: [{ Effect: 'Allow', ...statement }] }
  template.Resources.PlanRole.Properties['Policies'] = [{ PolicyName: 'own', PolicyDocument }]
}
const arn = 'arn:aws:s3:::bucket'

describe('permissions', () => {
  eachFault([
    [
      'a misspelt action',
      grant({ Action: 's3:PutObjects', Resource: `${arn}/*` }),
      'PlanRole.Policies[0].PolicyDocument.Statement[0] (permissions): IAM has no action s3:PutObjects',
    ],
    [
      'HeadObject, which is no permission',
      grant({ Action: ['s3:GetObject', 's3:HeadObject'], Resource: `${arn}/*` }),
      'PlanRole.Policies[0].PolicyDocument.Statement[0] (permissions): IAM has no action s3:HeadObject',
    ],
    [
      'a misspelt service',
      grant({ Action: 'stepfunctions:StartExecution', Resource: 'arn:aws:states:x' }),
      'PlanRole.Policies[0].PolicyDocument.Statement[0] (permissions): IAM has no action stepfunctions:StartExecution',
    ],
    [
      'a misspelt condition key',
      grant({
        Action: 's3:GetObject',
        Resource: `${arn}/*`,
        Condition: { Bool: { 's3:SecureTransport': 'true' } },
      }),
      'PlanRole.Policies[0].PolicyDocument.Statement[0] (permissions): IAM has no condition key s3:SecureTransport',
    ],
    [
      'every action',
      grant({ Action: '*', Resource: `${arn}/*` }),
      'PlanRole.Policies[0].PolicyDocument.Statement[0] (permissions): * is more than one action',
    ],
    [
      'every action of a service',
      grant({ Action: ['s3:*'], Resource: `${arn}/*` }),
      'PlanRole.Policies[0].PolicyDocument.Statement[0] (permissions): s3:* is more than one action',
    ],
    [
      'every action but one',
      grant({ NotAction: 's3:PutObject', Resource: `${arn}/*` }),
      'PlanRole.Policies[0].PolicyDocument.Statement[0] (permissions): NotAction allows',
    ],
    [
      'every resource',
      grant({ Action: 's3:GetObject', Resource: '*' }),
      'PlanRole.Policies[0].PolicyDocument.Statement[0] (permissions): s3:GetObject on every resource',
    ],
    [
      'objects without the ARN of objects',
      grant({ Action: 's3:GetObject', Resource: { 'Fn::GetAtt': ['StateBucket', 'Arn'] } }),
      'PlanRole.Policies[0].PolicyDocument.Statement[0] (permissions): s3:GetObject is about objects',
    ],
    [
      'a bucket with the ARN of objects',
      grant({ Action: 's3:ListBucket', Resource: { 'Fn::Sub': '${StateBucket.Arn}/*' } }),
      'PlanRole.Policies[0].PolicyDocument.Statement[0] (permissions): s3:ListBucket is about buckets',
    ],
    [
      'a managed policy',
      (t) =>
        (t.Resources.BuilderRole.Properties['ManagedPolicyArns'] = [
          'arn:aws:iam::aws:policy/AdministratorAccess',
        ]),
      'BuilderRole.ManagedPolicyArns (permissions): a managed policy grants',
    ],
    [
      'a role for everybody',
      (t) =>
        (t.Resources.BuilderRole.Properties['AssumeRolePolicyDocument'] = {
          Statement: { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' },
        }),
      'BuilderRole.AssumeRolePolicyDocument.Statement[0] (permissions): the whole world is trusted',
    ],
  ])

  const listKeys = { Action: 'kms:ListKeys', Resource: '*' }
  const exception = { role: 'PlanRole', action: 'kms:ListKeys', reason: 'it has no resources' }
  test('every resource, with a reason', async () => {
    expect(await findings(grant(listKeys), { wildcards: [exception] })).toEqual([])
  })
  test('a reason that nothing needs', async () => {
    expect(await findings(() => {}, { wildcards: [exception] })).toEqual([
      'PlanRole (permissions): nothing needs the exception for kms:ListKeys any more',
    ])
  })
  test('a reason for another role', async () => {
    const wildcards = [{ ...exception, role: 'BuilderRole' }]
    expect(await findings(grant(listKeys), { wildcards })).toContainEqual(
      expect.stringContaining('(permissions): kms:ListKeys on every resource'),
    )
  })
})
