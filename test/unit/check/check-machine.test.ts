import { describe, expect, test } from 'vitest'
import { checkMachine } from '../../../scripts/check/asl/check-machine.ts'
import { all, build, choice, eachFault, findings, goodMachine, lambda, mac, map, plan } from './machines.ts'

test('the machine that the tests break has nothing wrong', async () => {
  expect(await findings(() => {})).toEqual([])
})

describe('the language: JSONata at the top, our state types, their fields', () => {
  eachFault([
    [
      'no query language',
      (m) => (m.QueryLanguage = 'JSONPath'),
      'QueryLanguage (fields): the query language is not JSONata',
    ],
    [
      'a query language of its own',
      (m) => (plan(m)['QueryLanguage'] = 'JSONata'),
      'Plan.QueryLanguage (fields): QueryLanguage is said once',
    ],
    [
      'an unknown state type',
      (m) => (m.States.Pause['Type'] = 'Sleep'),
      "Pause.Type (fields): 'Sleep' is no state type",
    ],
    [
      'a misspelt field',
      (m) => (plan(m)['TimeoutSecond'] = 60),
      'Plan.TimeoutSecond (fields): there is no field TimeoutSecond',
    ],
    [
      'a field of another type',
      (m) => (m.States.Pause['Items'] = []),
      'Pause.Items (fields): there is no field Items',
    ],
    [
      'a misspelt field of a retrier',
      (m) => (plan(m)['Retry'] = [{ ErrorEquals: ['A'], MaxAttempt: 1, JitterStrategy: 'FULL' }]),
      'Plan.Retry[0].MaxAttempt (fields): there is no field MaxAttempt',
    ],
    [
      'a misspelt field of a catcher',
      (m) => (plan(m)['Catch'] = [{ ...all, ResultPaths: '$' }]),
      'Plan.Catch[0].ResultPaths (fields): there is no field',
    ],
    [
      'a misspelt field of the machine',
      (m) => Object.assign(m, { Timeout: 5 }),
      'Timeout (fields): there is no field Timeout',
    ],
    [
      'a JSONPath field',
      (m) => (plan(m)['ResultPath'] = '$.plan'),
      'Plan.ResultPath (fields): ResultPath is a JSONPath field',
    ],
    [
      'a JSONPath choice',
      (m) =>
        (choice(m)['Choices'] = [
          { Condition: true, Variable: '$.a', Assign: { missing: true }, Next: 'BuildBatches' },
        ]),
      'IsAnythingMissing.Choices[0].Variable (fields): Variable is a JSONPath field',
    ],
    [
      'a distributed map',
      (m) => (map(m).ItemProcessor.ProcessorConfig.Mode = 'DISTRIBUTED'),
      'BuildBatches.ItemProcessor.ProcessorConfig.Mode (maps): our Maps are inline',
    ],
    [
      'a field of an item reader',
      (m) => Object.assign(map(m), { ItemReader: {} }),
      'BuildBatches.ItemReader (fields): there is no field ItemReader',
    ],
  ])
})

describe('what the validators find, when our rules are silent', () => {
  eachFault([
    [
      'a next state that is not there',
      (m) => (m.States.Pause['Next'] = 'Nowhere'),
      'Pause.Next (amazon-states-language-service): The value of "Next"',
    ],
    [
      'a state that nothing leads to',
      (m) => Object.assign(m.States, { Lost: { Type: 'Succeed' } }),
      'Lost (amazon-states-language-service): The state cannot be reached',
    ],
    [
      'a step out of a Map',
      (m) => (mac(m)['Next'] = 'Report'),
      'BuildBatches/BuildOnMac.Next (amazon-states-language-service): The value of "Next"',
    ],
    [
      'neither Next nor End',
      (m) => delete m.States.Pause['Next'],
      'Pause (amazon-states-language-service): Missing property "Next"',
    ],
    [
      'a first state that is not there',
      (m) => (m.StartAt = 'Begin'),
      'StartAt (amazon-states-language-service): The value of "StartAt"',
      'Plan (amazon-states-language-service): The state cannot be reached',
    ],
    [
      'a negative interval',
      (m) => (plan(m)['Retry'] = [{ ErrorEquals: ['A'], IntervalSeconds: -1, JitterStrategy: 'FULL' }]),
      'Plan.Retry[0].IntervalSeconds (amazon-states-language-service): Value is below the minimum',
    ],
  ])

  test('a key that stands twice, of which JSON keeps the last', async () => {
    const text = JSON.stringify(goodMachine(), null, 2).replace(
      '"StartAt": "Plan"',
      '"StartAt": "Plan", "StartAt": "Plan"',
    )
    const found = await checkMachine('warm.asl.json', text)
    expect(found.map(({ field, problem }) => `${field}: ${problem}`)).toEqual([
      'StartAt: Duplicate object key, line 3',
      'StartAt: Duplicate object key, line 3',
    ])
  })

  test('two states of the same name in different places', async () => {
    const found = await findings((m) =>
      Object.assign(map(m).ItemProcessor, {
        StartAt: 'Pause',
        States: { Pause: { Type: 'Succeed', Output: {} } },
      }),
    )
    expect(found).toEqual([
      expect.stringContaining('(asl-validator): A state with this name already exists: Pause'),
    ])
  })

  test('a file that is no JSON', async () => {
    expect(await checkMachine('warm.asl.json', '{"States": ')).toEqual([
      expect.objectContaining({ rule: 'json', problem: expect.stringContaining('this is no JSON: ') }),
    ])
  })
})

describe('tasks call what is on the closed list, with arguments that it has', () => {
  eachFault([
    [
      'a misspelt resource',
      (m) => (plan(m)['Resource'] = 'arn:aws:states:::lambda:invok'),
      'Plan.Resource (resources): "arn:aws:states:::lambda:invok" is not on the list',
    ],
    [
      'a service that we do not use',
      (m) => (plan(m)['Resource'] = 'arn:aws:states:::sqs:sendMessage'),
      'Plan.Resource (resources)',
    ],
    [
      'a placeholder that is no activity',
      (m) => (plan(m)['Resource'] = '${PlanFunctionArn}'),
      'Plan.Resource (resources)',
    ],
    [
      'a misspelt argument',
      (m) => (plan(m)['Arguments'] = { ...lambda, Functionname: 'x' }),
      'Plan.Arguments.Functionname (resources): there is no argument Functionname',
    ],
    [
      'no function',
      (m) => (plan(m)['Arguments'] = { Payload: {} }),
      'Plan.Arguments (resources): FunctionName is missing',
    ],
    [
      'no project',
      (m) => (build(m)['Arguments'] = {}),
      'BuildBatches/Build.Arguments (resources): ProjectName is missing',
    ],
    [
      'no project for a build that nobody waits for',
      (m) => Object.assign(build(m), { Resource: 'arn:aws:states:::codebuild:startBuild', Arguments: {} }),
      'BuildBatches/Build.Arguments (resources): ProjectName is missing',
    ],
    [
      'no function for a callback',
      (m) =>
        Object.assign(plan(m), {
          Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
          Arguments: { Payload: {} },
        }),
      'Plan.Arguments (resources): FunctionName is missing',
    ],
    [
      'a callback of a service that has none',
      (m) => (build(m)['Resource'] = 'arn:aws:states:::codebuild:startBuild.waitForTaskToken'),
      'BuildBatches/Build.Resource (resources)',
    ],
    [
      'another buildspec',
      (m) => (build(m)['Arguments'] = { ProjectName: '${Builder}', BuildspecOverride: 'x' }),
      'BuildBatches/Build.Arguments.BuildspecOverride (resources): there is no argument',
    ],
    [
      'arguments that are computed as a whole',
      (m) => (plan(m)['Arguments'] = '{% $states.input %}'),
      'Plan.Arguments (resources): the arguments are no object',
    ],
    [
      'a variable with a misspelt key',
      (m) =>
        (build(m)['Arguments'] = {
          ProjectName: '${Builder}',
          EnvironmentVariablesOverride: [{ Name: 'A', Val: 'x' }],
        }),
      'BuildBatches/Build.Arguments.EnvironmentVariablesOverride[0].Val (resources): a variable has no Val',
    ],
    [
      'a variable of an unknown type',
      (m) =>
        (build(m)['Arguments'] = {
          ProjectName: '${Builder}',
          EnvironmentVariablesOverride: [{ Name: 'A', Value: 'x', Type: 'SECRET' }],
        }),
      'BuildBatches/Build.Arguments.EnvironmentVariablesOverride[0].Type (resources): "SECRET" is no type',
    ],
  ])
})
