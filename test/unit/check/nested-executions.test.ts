import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../scripts/check/json.ts'
import { build, eachFault as eachFaultOfMachine, findings as findingsOfMachine } from './machines.ts'
import type { GoodMachine } from './machines.ts'
import { addResources, eachFault, findings, type GoodTemplate } from './templates.ts'

const RETRY = [
  {
    ErrorEquals: ['StepFunctions.AWSStepFunctionsException', 'StepFunctions.ThrottlingException'],
    IntervalSeconds: 2,
    MaxAttempts: 5,
    JitterStrategy: 'FULL',
  },
]
const lane = (): JsonObject => ({
  Resource: 'arn:aws:states:::states:startExecution.sync:2',
  Arguments: {
    StateMachineArn: '${LaneStateMachineArn}',
    Name: "{% $states.context.Execution.Name & '-1' %}",
    Input: { lane: '{% $states.input %}' },
  },
  TimeoutSeconds: 600,
  Retry: structuredClone(RETRY),
})
/** Starts an execution where the machine has a build. */
const starts = (change: (state: JsonObject, args: JsonObject) => void) => (machine: GoodMachine) => {
  const state = lane()
  change(state, state['Arguments'] as JsonObject)
  Object.assign(build(machine), state)
}

describe('a Task that starts an execution', () => {
  test('may be in a Map', async () => {
    expect(await findingsOfMachine(starts(() => {}))).toEqual([])
  })

  eachFaultOfMachine([
    [
      'as text and not as JSON',
      starts((state) => (state['Resource'] = 'arn:aws:states:::states:startExecution.sync')),
      'BuildBatches/Build.Resource (resources): "arn:aws:states:::states:startExecution.sync" is not on the list',
    ],
    [
      'of no state machine',
      starts((_, args) => delete args['StateMachineArn']),
      'BuildBatches/Build.Arguments (resources): StateMachineArn is missing',
    ],
    [
      'without a name',
      starts((_, args) => delete args['Name']),
      'BuildBatches/Build.Arguments (resources): Name is missing',
    ],
    [
      'with a misspelt argument',
      starts((_, args) => (args['StateMachineARN'] = 'x')),
      'BuildBatches/Build.Arguments.StateMachineARN (resources): there is no argument',
    ],
    [
      'with an input that may be anything',
      starts((_, args) => (args['Input'] = '{% $states.input %}')),
      'BuildBatches/Build.Arguments.Input (resources): whether a text is the input or JSON of it',
    ],
    [
      'without a time-out',
      starts((state) => (state['TimeoutSeconds'] = null)),
      'BuildBatches/Build.TimeoutSeconds (amazon-states-language-service)',
    ],
    [
      'with a heartbeat',
      starts((state) => (state['HeartbeatSeconds'] = 5)),
      'BuildBatches/Build.HeartbeatSeconds (timeouts): nobody gets a task token',
    ],
    [
      'that does not try again when there are too many at once',
      starts((state) => (state['Retry'] = [])),
      'BuildBatches/Build.Retry (throttling): an execution that is throttled is never started',
      'BuildBatches/Build.Retry (throttling): an execution that is throttled is never started',
    ],
    [
      'whose failure nobody catches',
      starts((state) => (state['Catch'] = [])),
      'BuildBatches/Build.Catch (caught-in-map): an error here is not caught',
    ],
  ])
})

/** A second state machine, which the first one starts before all else. */
function withLane(template: GoodTemplate): { lane: JsonObject; statement: JsonObject; task: JsonObject } {
  const { Warm, WarmRole } = template.Resources
  const task: JsonObject = { Type: 'Task', ...lane(), TimeoutSeconds: 61, Next: 'Plan' }
  const properties: JsonObject = {
    RoleArn: { 'Fn::GetAtt': ['LaneRole', 'Arn'] },
    Definition: {
      QueryLanguage: 'JSONata',
      TimeoutSeconds: 60,
      StartAt: 'Done',
      States: { Done: { Type: 'Succeed' } },
    },
  }
  const statement: JsonObject = {
    Effect: 'Allow',
    Action: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
    Resource: {
      'Fn::Sub':
        'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule',
    },
  }
  Warm.Properties.Definition.StartAt = 'Lane'
  Object.assign(Warm.Properties.Definition.States, { Lane: task })
  Warm.Properties.DefinitionSubstitutions['LaneStateMachineArn'] = { Ref: 'Lane' }
  const policies = WarmRole.Properties['Policies'] as JsonObject[]
  policies.push({ PolicyName: 'lane', PolicyDocument: { Version: '2012-10-17', Statement: [statement] } })
  addResources(template, {
    Lane: { Type: 'AWS::StepFunctions::StateMachine', Properties: properties },
    LaneRole: structuredClone(WarmRole),
  })
  return { lane: properties, statement, task }
}

describe('a state machine that another one of the template starts', () => {
  test('is named by a substitution', async () => {
    expect(await findings((t) => void withLane(t))).toEqual([])
  })

  eachFault([
    [
      'and that is none',
      (t) => {
        withLane(t)
        t.Resources.Warm.Properties.DefinitionSubstitutions['LaneStateMachineArn'] = { Ref: 'Builder' }
      },
      'Warm.Definition.Lane.Arguments.StateMachineArn (state-machines): ${LaneStateMachineArn} is no AWS::StepFunctions::StateMachine',
    ],
    [
      'and that nothing names',
      (t) => {
        withLane(t)
        delete t.Resources.Warm.Properties.DefinitionSubstitutions['LaneStateMachineArn']
      },
      'Warm.DefinitionSubstitutions (state-machines): nothing is given for ${LaneStateMachineArn}',
    ],
    [
      'and that takes longer than it is waited for',
      (t) => (withLane(t).task['TimeoutSeconds'] = 60),
      'Warm.Definition.Lane.TimeoutSeconds (state-machines): 60 s are over before Lane gives up, after 60 s',
    ],
    [
      'and that may take for ever',
      (t) => delete (withLane(t).lane['Definition'] as JsonObject)['TimeoutSeconds'],
      'Warm.Definition.Lane.TimeoutSeconds (state-machines): 61 s are over before Lane gives up, after 31536000 s',
    ],
    [
      'and that starts the first one',
      (t) => (withLane(t).lane['DefinitionSubstitutions'] = { Warm: { Ref: 'Warm' } }),
      'Warm (cycles): needs itself: Warm -> Lane -> Warm',
      'Lane.DefinitionSubstitutions.Warm (state-machines): the definition does not use it',
    ],
    [
      'and whose end nobody may hear of',
      (t) => (withLane(t).statement['Action'] = 'events:PutRule'),
      'WarmRole.Policies (managed-rules): Warm waits for states:startExecution.sync:2, and may not hear of its end',
    ],
    [
      'and of whose end only builds may be heard',
      (t) => {
        const { statement } = withLane(t)
        statement['Resource'] = JSON.parse(
          JSON.stringify(statement['Resource']).replace('EventsForStepFunctionsExecution', 'EventForOther'),
        ) as JsonObject
      },
      'WarmRole.Policies (managed-rules): Warm waits for states:startExecution.sync:2',
    ],
  ])
})

describe('a state machine that waits for builds', () => {
  eachFault([
    [
      'and may not hear of their end',
      ({ Resources }) => void (Resources.WarmRole.Properties['Policies'] as JsonObject[]).pop(),
      'WarmRole.Policies (managed-rules): Warm waits for codebuild:startBuild.sync, and may not hear of its end',
    ],
  ])
})
