import { describe, expect, test } from 'vitest'
import { InvalidDefinition } from '../../../../local/states/asl/errors.ts'
import { parseDefinition } from '../../../../local/states/asl/validate.ts'
import { BUILD, CALLBACK, INVOKE } from './execute.ts'

function problemsOf(definition: unknown): readonly string[] {
  try {
    parseDefinition(typeof definition === 'string' ? definition : JSON.stringify(definition))
    return []
  } catch (error) {
    if (error instanceof InvalidDefinition) return error.problems
    throw error
  }
}

const machine = (states: object, rest: object = {}): object => ({
  QueryLanguage: 'JSONata',
  StartAt: 'A',
  States: states,
  ...rest,
})
const only = (state: object): object => machine({ A: { End: true, ...state } })
const ok = { Type: 'Succeed' }
const inner = (state: object): object => ({ StartAt: 'I', States: { I: state } })
const lambda = (rest: object = {}): object => ({
  Type: 'Task',
  Resource: INVOKE,
  Arguments: { FunctionName: 'f' },
  End: true,
  ...rest,
})
const map = (rest: object = {}): object => ({ Type: 'Map', ItemProcessor: inner(ok), End: true, ...rest })
const START = 'arn:aws:states:::states:startExecution.sync:2'
const ACTIVITY = 'arn:aws:states:us-east-1:123456789012:activity:mac'

describe('accepted', () => {
  test.each<[string, object]>([
    ['the smallest machine', machine({ A: ok })],
    [
      'every field of the machine',
      machine({ A: ok }, { Comment: 'why', Version: '1.0', TimeoutSeconds: 60 }),
    ],
    [
      'every field of a Task',
      machine({
        A: lambda({
          Comment: 'c',
          QueryLanguage: 'JSONata',
          Assign: { x: 1 },
          Output: 1,
          TimeoutSeconds: 5,
          Retry: [
            {
              ErrorEquals: ['States.ALL'],
              IntervalSeconds: 1,
              BackoffRate: 1.5,
              MaxAttempts: 0,
              MaxDelaySeconds: 9,
              JitterStrategy: 'FULL',
              Comment: 'c',
            },
          ],
          Catch: [
            {
              ErrorEquals: ['A'],
              Next: 'B',
              Output: '{% $states.errorOutput %}',
              Assign: { y: '{% $x %}' },
              Comment: 'c',
            },
          ],
        }),
        B: ok,
      }),
    ],
    [
      'a callback',
      machine({
        A: {
          Type: 'Task',
          Resource: CALLBACK,
          Arguments: { FunctionName: 'f', Payload: { t: '{% $states.context.Task.Token %}' } },
          TimeoutSeconds: 60,
          HeartbeatSeconds: 5,
          End: true,
        },
      }),
    ],
    ['an activity', machine({ A: { Type: 'Task', Resource: ACTIVITY, HeartbeatSeconds: 5, End: true } })],
    [
      'a build',
      machine({
        A: {
          Type: 'Task',
          Resource: BUILD,
          Arguments: {
            ProjectName: 'p',
            EnvironmentVariablesOverride: [{ Name: 'N', Value: 'V', Type: 'PLAINTEXT' }],
          },
          End: true,
        },
      }),
    ],
    ['Arguments as one expression', machine({ A: lambda({ Arguments: '{% $states.input %}' }) })],
    [
      'a Map with everything',
      machine({
        A: map({
          Items: [1],
          ItemSelector: {},
          MaxConcurrency: 2,
          ToleratedFailureCount: 1,
          ToleratedFailurePercentage: 5,
          ItemProcessor: { ...inner(ok), ProcessorConfig: { Mode: 'INLINE' }, Comment: 'c' },
        }),
      }),
    ],
    [
      'a loop',
      machine({
        A: { Type: 'Wait', Seconds: 1, Next: 'B' },
        B: { Type: 'Choice', Choices: [{ Condition: '{% $states.input %}', Next: 'A' }], Default: 'C' },
        C: ok,
      }),
    ],
  ])('%s', (_, definition) => {
    expect(problemsOf(definition)).toEqual([])
  })
})

describe('refused, by name and place', () => {
  const rows: [where: string, what: string, definition: unknown][] = [
    // the machine
    ['definition', 'no JSON', '{'],
    ['definition', 'must be an object', '[]'],
    ['QueryLanguage', 'must be "JSONata"', { StartAt: 'A', States: { A: ok } }],
    ['QueryLanguage', 'must be "JSONata"', machine({ A: ok }, { QueryLanguage: 'JSONPath' })],
    ['Sates', 'unknown field of a state machine', machine({ A: ok }, { Sates: {} })],
    ['TimeoutSeconds', 'whole number', machine({ A: ok }, { TimeoutSeconds: '{% 1 %}' })],
    ['Version', 'must be "1.0"', machine({ A: ok }, { Version: '2.0' })],
    ['StartAt', 'there is no state B', machine({ A: ok }, { StartAt: 'B' })],
    ['States', 'at least one state', machine({})],
    // transitions
    ['States.A.Next', 'there is no state B', machine({ A: { Type: 'Pass', Next: 'B' } })],
    ['States.A', 'either Next or End', machine({ A: { Type: 'Pass' } })],
    ['States.A', 'either Next or End', machine({ A: { Type: 'Pass', Next: 'A', End: true } })],
    ['States.A.End', 'must be true', machine({ A: { Type: 'Pass', End: false } })],
    ['States.B', 'no transition leads here', machine({ A: ok, B: ok })],
    [
      'States.C',
      'no transition leads here',
      machine({ A: ok, B: { Type: 'Pass', Next: 'C' }, C: { Type: 'Pass', Next: 'B' } }),
    ],
    [
      'States.A.ItemProcessor.States.A',
      'same name',
      machine({ A: { Type: 'Map', ItemProcessor: { StartAt: 'A', States: { A: ok } }, End: true } }),
    ],
    [
      `States.${'x'.repeat(81)}`,
      '1 to 80 characters',
      { QueryLanguage: 'JSONata', StartAt: 'x'.repeat(81), States: { ['x'.repeat(81)]: ok } },
    ],
    // fields
    ['States.A.Foo', 'unknown field of a Task state', machine({ A: lambda({ Foo: 1 }) })],
    ['States.A.TimeoutSecond', 'unknown field of a Task state', machine({ A: lambda({ TimeoutSecond: 1 }) })],
    ['States.A.Next', 'unknown field of a Succeed state', machine({ A: { ...ok, Next: 'A' } })],
    ['States.A.Assign', 'unknown field of a Succeed state', machine({ A: { ...ok, Assign: {} } })],
    ['States.A.Retry', 'unknown field of a Pass state', only({ Type: 'Pass', Retry: [] })],
    ['States.A.Credentials', 'outside our subset', machine({ A: lambda({ Credentials: {} }) })],
    ['States.A.Type', 'unknown state type "Jump"', only({ Type: 'Jump' })],
    ['States.A.Type', 'unknown state type undefined', only({})],
    ['States.A.Comment', 'must be a string', only({ Type: 'Pass', Comment: 1 })],
    ['States.A.QueryLanguage', 'must be "JSONata"', only({ Type: 'Pass', QueryLanguage: 'JSONPath' })],
    // JSONPath
    ...[
      'InputPath',
      'OutputPath',
      'ResultPath',
      'ResultSelector',
      'Parameters',
      'TimeoutSecondsPath',
      'ItemsPath',
    ].map((field): [string, string, unknown] => [
      `States.A.${field}`,
      'a JSONPath field',
      machine({ A: lambda({ [field]: '$' }) }),
    ]),
    ['States.A.Result', 'use Output', only({ Type: 'Pass', Result: 1 })],
    ['States.A.Output.x.$', 'a JSONPath field', only({ Type: 'Pass', Output: { 'x.$': '$.y' } })],
    [
      'States.A.Choices[0].Variable',
      'use Condition',
      machine({ A: { Type: 'Choice', Choices: [{ Variable: '$.x', Condition: true, Next: 'B' }] }, B: ok }),
    ],
    // resources and their arguments
    [
      'States.A.Resource',
      'unknown resource "arn:aws:states:::lambda:invok"',
      machine({ A: lambda({ Resource: 'arn:aws:states:::lambda:invok' }) }),
    ],
    [
      'States.A.Resource',
      'unknown resource',
      machine({ A: lambda({ Resource: 'arn:aws:lambda:us-east-1:123456789012:function:f' }) }),
    ],
    [
      'States.A.Resource',
      'unknown resource',
      machine({ A: lambda({ Resource: 'arn:aws:states:::codebuild:startBuild.waitForTaskToken' }) }),
    ],
    ['States.A.Resource', 'unknown resource undefined', machine({ A: { Type: 'Task', End: true } })],
    [
      'States.A.Resource',
      'has not been substituted',
      machine({ A: lambda({ Resource: '${MacActivityArn}' }) }),
    ],
    [
      'States.A.Arguments.Functionname',
      'unknown field',
      machine({ A: lambda({ Arguments: { Functionname: 'f', FunctionName: 'f' } }) }),
    ],
    ['States.A.Arguments.FunctionName', 'missing', machine({ A: lambda({ Arguments: { Payload: 1 } }) })],
    ['States.A.Arguments', 'must be an object', machine({ A: lambda({ Arguments: 1 }) })],
    [
      'States.A.Arguments.projectName',
      'unknown field',
      machine({ A: lambda({ Resource: BUILD, Arguments: { ProjectName: 'p', projectName: 'p' } }) }),
    ],
    [
      'States.A.Arguments.EnvironmentVariablesOverride[0].name',
      'unknown field',
      machine({
        A: lambda({
          Resource: BUILD,
          Arguments: { ProjectName: 'p', EnvironmentVariablesOverride: [{ name: 'x' }] },
        }),
      }),
    ],
    [
      'States.A.Resource',
      'unknown resource',
      machine({ A: lambda({ Resource: 'arn:aws:states:::states:startExecution.sync' }) }),
    ],
    [
      'States.A.Arguments.StateMachineArn',
      'missing',
      machine({ A: lambda({ Resource: START, Arguments: { Name: 'n' } }) }),
    ],
    [
      'States.A.Arguments.TraceHeader',
      'unknown field',
      machine({ A: lambda({ Resource: START, Arguments: { StateMachineArn: 'm', TraceHeader: 't' } }) }),
    ],
    [
      'States.A.Arguments.Input',
      'must be an object',
      machine({ A: lambda({ Resource: START, Arguments: { StateMachineArn: 'm', Input: 7 } }) }),
    ],
    ['States.A.HeartbeatSeconds', 'gets no task token', machine({ A: lambda({ HeartbeatSeconds: 1 }) })],
    [
      'States.A.HeartbeatSeconds',
      'less than TimeoutSeconds',
      machine({ A: { Type: 'Task', Resource: ACTIVITY, TimeoutSeconds: 5, HeartbeatSeconds: 5, End: true } }),
    ],
    ['States.A.TimeoutSeconds', 'whole number', machine({ A: lambda({ TimeoutSeconds: 0 }) })],
    ['States.A.TimeoutSeconds', 'must be an expression', machine({ A: lambda({ TimeoutSeconds: '60' }) })],
    // distributed maps
    ...['ItemReader', 'ItemBatcher', 'ResultWriter', 'Label'].map((field): [string, string, unknown] => [
      `States.A.${field}`,
      'distributed maps are outside our subset',
      machine({ A: map({ [field]: {} }) }),
    ]),
    [
      'States.A.ItemProcessor.ProcessorConfig.Mode',
      'distributed maps are outside our subset',
      machine({ A: map({ ItemProcessor: { ...inner(ok), ProcessorConfig: { Mode: 'DISTRIBUTED' } } }) }),
    ],
    [
      'States.A.ItemProcessor.ProcessorConfig.ExecutionType',
      'unknown field',
      machine({
        A: map({
          ItemProcessor: { ...inner(ok), ProcessorConfig: { Mode: 'INLINE', ExecutionType: 'STANDARD' } },
        }),
      }),
    ],
    ['States.A.Iterator', 'use ItemProcessor', machine({ A: map({ Iterator: {} }) })],
    ['States.A.Items', 'a list or an expression', machine({ A: map({ Items: { a: 1 } }) })],
    ['States.A.Items', 'must be an expression', machine({ A: map({ Items: '$.items' }) })],
    ['States.A.MaxConcurrency', 'whole number', machine({ A: map({ MaxConcurrency: -1 }) })],
    [
      'States.A.ToleratedFailurePercentage',
      'from 0 to 100',
      machine({ A: map({ ToleratedFailurePercentage: 101 }) }),
    ],
    ['States.A.ItemProcessor', 'must be an object', machine({ A: { Type: 'Map', End: true } })],
    [
      'States.A.Branches',
      'at least one branch',
      machine({ A: { Type: 'Parallel', Branches: [], End: true } }),
    ],
    [
      'States.A.Branches[0].States.I.Foo',
      'unknown field',
      machine({ A: { Type: 'Parallel', Branches: [inner({ ...ok, Foo: 1 })], End: true } }),
    ],
    // retry and catch
    ['States.A.Retry[0].ErrorEquals', 'at least one error name', machine({ A: lambda({ Retry: [{}] }) })],
    [
      'States.A.Retry[0].ErrorEquals',
      'States.All is no error',
      machine({ A: lambda({ Retry: [{ ErrorEquals: ['States.All'] }] }) }),
    ],
    [
      'States.A.Retry[0].ErrorEquals',
      'no wildcards',
      machine({ A: lambda({ Retry: [{ ErrorEquals: ['Lambda.*'] }] }) }),
    ],
    [
      'States.A.Retry[0].ErrorEquals',
      'must stand alone',
      machine({ A: lambda({ Retry: [{ ErrorEquals: ['States.ALL', 'A'] }] }) }),
    ],
    [
      'States.A.Retry[0].ErrorEquals',
      'must come last',
      machine({ A: lambda({ Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['A'] }] }) }),
    ],
    [
      'States.A.Retry[0].ErrorEquals',
      'nothing can retry or catch it',
      machine({ A: lambda({ Retry: [{ ErrorEquals: ['States.Runtime'] }] }) }),
    ],
    [
      'States.A.Retry[0].ErrorEquals',
      'JSONPath only',
      machine({ A: lambda({ Retry: [{ ErrorEquals: ['States.ParameterPathFailure'] }] }) }),
    ],
    [
      'States.A.Retry[0].JitterStrategy',
      '"FULL" or "NONE"',
      machine({ A: lambda({ Retry: [{ ErrorEquals: ['A'], JitterStrategy: 'HALF' }] }) }),
    ],
    [
      'States.A.Retry[0].IntervalSeconds',
      'whole number',
      machine({ A: lambda({ Retry: [{ ErrorEquals: ['A'], IntervalSeconds: 0 }] }) }),
    ],
    [
      'States.A.Retry[0].BackoffRate',
      'at least 1',
      machine({ A: lambda({ Retry: [{ ErrorEquals: ['A'], BackoffRate: 0.5 }] }) }),
    ],
    [
      'States.A.Retry[0].MaxDelaySeconds',
      'more than IntervalSeconds',
      machine({ A: lambda({ Retry: [{ ErrorEquals: ['A'], IntervalSeconds: 9, MaxDelaySeconds: 9 }] }) }),
    ],
    [
      'States.A.Retry[0].Interval',
      'unknown field of a retrier',
      machine({ A: lambda({ Retry: [{ ErrorEquals: ['A'], Interval: 9 }] }) }),
    ],
    [
      'States.A.Catch[0].ErrorEquals',
      'must come last',
      machine({
        A: lambda({
          Catch: [
            { ErrorEquals: ['States.ALL'], Next: 'B' },
            { ErrorEquals: ['A'], Next: 'B' },
          ],
        }),
        B: ok,
      }),
    ],
    [
      'States.A.Catch[0].Next',
      'there is no state B',
      machine({ A: lambda({ Catch: [{ ErrorEquals: ['A'], Next: 'B' }] }) }),
    ],
    [
      'States.A.Catch[0].ResultPath',
      'a JSONPath field',
      machine({ A: lambda({ Catch: [{ ErrorEquals: ['A'], Next: 'B', ResultPath: '$' }] }), B: ok }),
    ],
    ['States.A.Error', 'States.Mine is no error', machine({ A: { Type: 'Fail', Error: 'States.Mine' } })],
    // waiting and choosing
    ['States.A', 'either Seconds or Timestamp', only({ Type: 'Wait' })],
    [
      'States.A',
      'either Seconds or Timestamp',
      only({ Type: 'Wait', Seconds: 1, Timestamp: '2026-01-01T00:00:00Z' }),
    ],
    ['States.A.Timestamp', 'RFC 3339', only({ Type: 'Wait', Timestamp: 'tomorrow' })],
    ['States.A.Choices', 'at least one rule', machine({ A: { Type: 'Choice', Choices: [] } })],
    [
      'States.A.Choices[0].Condition',
      'must be an expression',
      machine({ A: { Type: 'Choice', Choices: [{ Condition: 'true', Next: 'B' }] }, B: ok }),
    ],
    // expressions
    ['States.A.Output.x[0]', 'no JSONata 2.0.6', only({ Type: 'Pass', Output: { x: ['{% 1 + %}'] } })],
    ['States.A.Output', 'begins with {% and ends with %}', only({ Type: 'Pass', Output: '{% 1' })],
    ['States.A.Output', 'unknown function $foo', only({ Type: 'Pass', Output: '{% $foo() %}' })],
    ['States.A.Output', 'nothing assigns the variable $x', only({ Type: 'Pass', Output: '{% $x %}' })],
    [
      'States.A.Output',
      '$states.result does not exist here',
      only({ Type: 'Pass', Output: '{% $states.result %}' }),
    ],
    [
      'States.A.Arguments.Payload',
      '$states.result does not exist here',
      machine({ A: lambda({ Arguments: { FunctionName: 'f', Payload: '{% $states.result %}' } }) }),
    ],
    [
      'States.A.Arguments.Payload',
      '.waitForTaskToken',
      machine({
        A: lambda({ Arguments: { FunctionName: 'f', Payload: '{% $states.context.Task.Token %}' } }),
      }),
    ],
    // variables
    ['States.A.Assign.states', 'reserved', only({ Type: 'Pass', Assign: { states: 1 } })],
    ['States.A.Assign.$x', 'identifier', only({ Type: 'Pass', Assign: { $x: 1 } })],
    ['States.A.Assign.a-b', 'identifier', only({ Type: 'Pass', Assign: { 'a-b': 1 } })],
    ['States.A.Assign', 'an object of variables', only({ Type: 'Pass', Assign: '{% {"x": 1} %}' })],
    [
      'States.B.ItemProcessor.States.I.Assign.x',
      'belongs to the states around this one',
      machine({
        A: { Type: 'Pass', Assign: { x: 1 }, Next: 'B' },
        B: map({ ItemProcessor: inner({ Type: 'Pass', Assign: { x: 2 }, End: true }) }),
      }),
    ],
    [
      'States.B.Output',
      'nothing assigns the variable $y',
      machine({
        A: map({
          ItemProcessor: inner({ Type: 'Pass', Assign: { y: 2 }, End: true }),
          End: undefined,
          Next: 'B',
        }),
        B: { Type: 'Succeed', Output: '{% $y %}' },
      }),
    ],
  ]
  test.each(rows)('%s: %s', (where, what, definition) => {
    expect(problemsOf(definition)).toContainEqual(
      expect.stringMatching(new RegExp(`^${escape(where)}: .*${escape(what)}`, 's')),
    )
  })

  test('all at once, not one after the other', () => {
    expect(problemsOf(machine({ A: lambda({ Foo: 1, Bar: 2, Resource: 'x' }) }, { Baz: 3 }))).toHaveLength(4)
  })
})

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
