import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../scripts/check/json.ts'
import { addResources, bucket, builder, eachFault, findings, plan, type GoodTemplate } from './templates.ts'

const warm = ({ Resources }: GoodTemplate) => Resources.Warm.Properties

test('the template that the tests break has nothing wrong', async () => {
  expect(await findings(() => {})).toEqual([])
})

describe('properties are what CloudFormation knows', () => {
  eachFault([
    [
      'a misspelt property',
      (t) => (plan(t).Properties['Enviroment'] = {}),
      'PlanLambdaFunction.Enviroment (properties): there is no property Enviroment here',
    ],
    [
      'a misspelt property further down',
      (t) => (plan(t).Properties['Environment'] = { Variable: {} }),
      'PlanLambdaFunction.Environment.Variable (properties): there is no property Variable',
    ],
    [
      'a required property left out',
      (t) => delete builder(t).Properties['ServiceRole'],
      'Builder.ServiceRole (properties): ServiceRole is required',
    ],
    [
      'a required property that is AWS::NoValue',
      (t) => (builder(t).Properties['ServiceRole'] = { Ref: 'AWS::NoValue' }),
      'Builder.ServiceRole (properties): ServiceRole is required',
    ],
    [
      'a required property further down',
      (t) => (builder(t).Properties['Source'] = { BuildSpec: '' }),
      'Builder.Source.Type (properties): Type is required',
    ],
    [
      'a text for a number',
      (t) => (plan(t).Properties['MemorySize'] = 'much'),
      "PlanLambdaFunction.MemorySize (properties): the type is integer, and this is 'much'",
    ],
    [
      'an object for a text',
      (t) => (plan(t).Properties['Description'] = {}),
      'PlanLambdaFunction.Description (properties): the type is string',
    ],
    [
      'a text for a list',
      (t) => (plan(t).Properties['Layers'] = 'one'),
      'PlanLambdaFunction.Layers (properties): a list is expected',
    ],
    [
      'a value that is not allowed',
      (t) => (t.Resources.PlanLogGroup.Properties['RetentionInDays'] = 31),
      "PlanLogGroup.RetentionInDays (properties): '31' is not one of 1, 3, 5",
    ],
    [
      'a wrong value in a branch of Fn::If',
      (t) => {
        Object.assign(t, { Conditions: { Big: true } })
        plan(t).Properties['MemorySize'] = { 'Fn::If': ['Big', 1769, 'much'] }
      },
      'PlanLambdaFunction.MemorySize (properties): the type is integer',
    ],
    [
      'a resource type that does not exist',
      (t) => addResources(t, { Box: { Type: 'AWS::S3::Buckets' } }),
      "Box.Type (properties): CloudFormation has no resource type 'AWS::S3::Buckets'",
    ],
    [
      'a property beside Properties',
      (t) => (bucket(t).Property = {}),
      'StateBucket.Property (properties): a resource has no Property',
    ],
    [
      'a custom resource without a service',
      (t) => (t.Resources.Install.Properties = { Contents: 'a' }),
      'Install.ServiceToken (properties): ServiceToken is required',
    ],
  ])
  test('a number where a text is expected is converted by CloudFormation, and fine', async () => {
    expect(
      await findings((t) => (plan(t).Properties['Environment'] = { Variables: { LIMIT: 5, ON: true } })),
    ).toEqual([])
  })
})

describe('what is referred to is there', () => {
  eachFault([
    [
      'Ref',
      (t) => (plan(t).Properties['Environment'] = { Variables: { A: { Ref: 'Stat' } } }),
      'PlanLambdaFunction.Environment.Variables.A (references): there is no resource Stat',
    ],
    [
      'a resource of Fn::GetAtt',
      (t) => (builder(t).Properties['ServiceRole'] = { 'Fn::GetAtt': ['Nobody', 'Arn'] }),
      'Builder.ServiceRole (references): there is no resource Nobody',
    ],
    [
      'an attribute',
      (t) => (builder(t).Properties['ServiceRole'] = { 'Fn::GetAtt': ['BuilderRole', 'Arnn'] }),
      'Builder.ServiceRole (references): BuilderRole (AWS::IAM::Role) has no attribute Arnn, only Arn, RoleId',
    ],
    [
      'an attribute, written with a dot',
      (t) => (builder(t).Properties['ServiceRole'] = { 'Fn::GetAtt': 'BuilderRole.Arnn' }),
      'Builder.ServiceRole (references): BuilderRole (AWS::IAM::Role) has no attribute Arnn',
    ],
    [
      'a name in Fn::Sub',
      (t) => (plan(t).Properties['Description'] = { 'Fn::Sub': 'in ${Nowhere}' }),
      'PlanLambdaFunction.Description (references): there is no resource Nowhere',
    ],
    [
      'an attribute in Fn::Sub',
      (t) => (plan(t).Properties['Description'] = { 'Fn::Sub': 'in ${StateBucket.Name}' }),
      'PlanLambdaFunction.Description (references): StateBucket (AWS::S3::Bucket) has no attribute Name',
    ],
    [
      'DependsOn',
      (t) => (plan(t).DependsOn = ['Nobody']),
      'PlanLambdaFunction.DependsOn (references): there is no resource Nobody',
    ],
    [
      'a condition',
      (t) => Object.assign(bucket(t), { Condition: 'Big' }),
      'StateBucket.Condition (references): there is no condition Big',
    ],
    [
      'a mapping',
      (t) => (plan(t).Properties['MemorySize'] = { 'Fn::FindInMap': ['Sizes', 'a', 'b'] }),
      'PlanLambdaFunction.MemorySize (references): there is no mapping Sizes',
    ],
    [
      'an output',
      (t) => (t.Outputs['Key'] = { Value: { Ref: 'Nobody' } }),
      'Outputs.Key.Value (references): there is no resource Nobody',
    ],
    [
      'a pseudo parameter',
      (t) => (plan(t).Properties['Description'] = { 'Fn::Sub': '${AWS::Account}' }),
      'PlanLambdaFunction.Description (references): there is no resource AWS::Account',
    ],
  ])
  test('variables of Fn::Sub itself are fine', async () => {
    const text = { 'Fn::Sub': ['${name}', { name: { Ref: 'StateBucket' } }] }
    expect(await findings((t) => (plan(t).Properties['Description'] = text))).toEqual([])
  })
})

describe('a resource that a deployment may not have', () => {
  const conditional = (t: GoodTemplate): void => {
    Object.assign(t, { Conditions: { HasBuilder: true } })
    Object.assign(builder(t), { Condition: 'HasBuilder' })
  }
  const ifThere = (value: JsonObject): JsonObject => ({ 'Fn::If': ['HasBuilder', value, ''] })
  test('is referred to where its condition holds, and in what has the same condition', async () => {
    const found = await findings((t) => {
      conditional(t)
      warm(t).DefinitionSubstitutions['BuilderProject'] = ifThere({ Ref: 'Builder' })
      const Value = { 'Fn::GetAtt': ['Builder', 'Arn'] }
      Object.assign(t, { Outputs: { BuilderArn: { Condition: 'HasBuilder', Value } } })
    })
    expect(found.filter((line) => line.includes('(conditions)'))).toEqual([])
  })
  eachFault([
    [
      'is referred to where its condition does not hold',
      (t) => {
        conditional(t)
        plan(t).Properties['Description'] = { 'Fn::If': ['HasBuilder', '', { Ref: 'Builder' }] }
        warm(t).DefinitionSubstitutions['BuilderProject'] = ifThere({ Ref: 'Builder' })
      },
      'PlanLambdaFunction.Description (conditions): there is no resource Builder where HasBuilder does not hold',
    ],
    [
      'is referred to by an output',
      (t) => {
        conditional(t)
        Object.assign(t, { Outputs: { BuilderName: { Value: { Ref: 'Builder' } } } })
        warm(t).DefinitionSubstitutions['BuilderProject'] = ifThere({ Ref: 'Builder' })
      },
      'Outputs.BuilderName.Value (conditions): there is no resource Builder where HasBuilder does not hold',
    ],
  ])
})

describe('no resource needs itself', () => {
  eachFault([
    [
      'by two references',
      (t) => (plan(t).Properties['Description'] = { Ref: 'Warm' }),
      'PlanLambdaFunction (cycles): needs itself: PlanLambdaFunction -> Warm -> WarmRole -> PlanLambdaFunction',
      'PlanLambdaFunction (cycles): needs itself: PlanLambdaFunction -> Warm -> PlanLambdaFunction',
    ],
    [
      'by DependsOn',
      (t) => (plan(t).DependsOn = ['PlanLogGroup', 'Install']),
      'PlanLambdaFunction (cycles): needs itself: PlanLambdaFunction -> Install -> PlanLambdaFunction',
    ],
    [
      'by itself',
      (t) => (plan(t).DependsOn = ['PlanLambdaFunction']),
      'PlanLambdaFunction (cycles): needs itself: PlanLambdaFunction -> PlanLambdaFunction',
    ],
  ])
})

describe('state machines', () => {
  eachFault([
    [
      'a placeholder that nothing fills',
      (t) => delete warm(t).DefinitionSubstitutions['BuilderProject'],
      'Warm.DefinitionSubstitutions (state-machines): nothing is given for ${BuilderProject}',
    ],
    [
      'a substitution that nothing uses',
      (t) => (warm(t).DefinitionSubstitutions['Spare'] = 'x'),
      'Warm.DefinitionSubstitutions.Spare (state-machines): the definition does not use it',
    ],
    [
      'a Task that invokes no function',
      (t) => (warm(t).DefinitionSubstitutions['PlanFunctionArn'] = { Ref: 'Builder' }),
      'Warm.Definition.Plan.Arguments.FunctionName (state-machines): ${PlanFunctionArn} is no AWS::Lambda::Function',
    ],
    [
      'a Task that builds with no project',
      (t) => (warm(t).DefinitionSubstitutions['BuilderProject'] = 'hearth'),
      'Warm.Definition.Build.Arguments.ProjectName (state-machines): ${BuilderProject} is no AWS::CodeBuild::Project',
    ],
    [
      'a Task that builds with no project where a condition does not hold',
      (t) => {
        Object.assign(t, { Conditions: { HasBuilder: true } })
        warm(t).DefinitionSubstitutions['BuilderProject'] = {
          'Fn::If': ['HasBuilder', { Ref: 'Builder' }, 'hearth'],
        }
      },
      'Warm.Definition.Build.Arguments.ProjectName (state-machines): ${BuilderProject} is no AWS::CodeBuild::Project',
    ],
    [
      'a Task that names a function itself',
      (t) => {
        warm(t).Definition.States.Plan['Arguments'] = { FunctionName: 'plan' }
        delete warm(t).DefinitionSubstitutions['PlanFunctionArn']
      },
      'Warm.Definition.Plan.Arguments.FunctionName (state-machines): FunctionName names nothing',
    ],
    [
      'a Task that gives up before its function',
      (t) => (warm(t).Definition.States.Plan['TimeoutSeconds'] = 60),
      'Warm.Definition.Plan.TimeoutSeconds (state-machines): 60 s are over before PlanLambdaFunction gives up, after 60 s',
    ],
    [
      'a Task that gives up before its build',
      (t) => (warm(t).Definition.States.Build['TimeoutSeconds'] = 7200),
      'Warm.Definition.Build.TimeoutSeconds (state-machines): 7200 s are over before Builder gives up, after 36000 s',
    ],
    [
      'a definition in a text',
      (t) => Object.assign(warm(t), { Definition: undefined, DefinitionString: '{}' }),
      'Warm.Definition (state-machines): the definition cannot be read',
    ],
  ])
})
