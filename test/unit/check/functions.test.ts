import { describe, expect, test } from 'vitest'
import { addResources, eachFault, findings, goodTemplate, plan } from './templates.ts'

describe('functions', () => {
  eachFault([
    [
      'another runtime',
      (t) => (plan(t).Properties['Runtime'] = 'nodejs22.x'),
      'PlanLambdaFunction.Runtime (functions): "nodejs22.x" is not nodejs24.x',
    ],
    [
      'another architecture',
      (t) => delete plan(t).Properties['Architectures'],
      'PlanLambdaFunction.Architectures (functions): not arm64',
    ],
    [
      'a log that nobody declares',
      (t) => (plan(t).Properties['FunctionName'] = 'hearth-planner'),
      'PlanLambdaFunction (functions): its log group is not in the template',
    ],
    [
      'a log that is kept for ever',
      (t) => delete t.Resources.PlanLogGroup.Properties['RetentionInDays'],
      'PlanLogGroup.RetentionInDays (functions): a log that is kept for ever',
    ],
    [
      'a role from elsewhere',
      (t) => (plan(t).Properties['Role'] = 'arn:aws:iam::123456789012:role/admin'),
      'PlanLambdaFunction.Role (functions): the role is not one of this template',
    ],
    [
      'a role that others may take',
      (t) =>
        (t.Resources.PlanRole.Properties['AssumeRolePolicyDocument'] =
          t.Resources.BuilderRole.Properties['AssumeRolePolicyDocument'] ?? null),
      'PlanRole.AssumeRolePolicyDocument (functions): the role of a function is for Lambda alone',
    ],
    [
      'the default role of osls',
      (t) => addResources(t, { IamRoleLambdaExecution: t.Resources.BuilderRole }),
      'IamRoleLambdaExecution (functions): osls wrote its default role',
    ],
    [
      'a handler that is not built',
      (t) => (plan(t).Properties['Handler'] = 'src/plan.handler'),
      "PlanLambdaFunction.Handler (folders): 'src/plan.handler' is not what",
      '(folders): functions/plan is not deployed',
    ],
    [
      'a function without a folder',
      (t) => (plan(t).Properties['Handler'] = 'dist/plans/index.handler'),
      'PlanLambdaFunction.Handler (folders): there is no folder functions/plans',
      '(folders): functions/plan is not deployed',
    ],
  ])

  test('two functions with one role', async () => {
    const second = {
      Type: 'AWS::Lambda::Function',
      Properties: { ...goodTemplate().Resources.PlanLambdaFunction.Properties },
    }
    expect(await findings((t) => addResources(t, { SecondLambdaFunction: second }))).toEqual([
      'SecondLambdaFunction.Role (functions): PlanRole is also the role of PlanLambdaFunction',
    ])
  })
  test('a folder that is not deployed', async () => {
    expect(await findings(() => {}, { functionFolders: ['plan', 'publish'] })).toEqual([
      ' (folders): functions/publish is not deployed',
    ])
  })
})
