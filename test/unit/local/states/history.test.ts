import { describe, expect, test } from 'vitest'
import { StateError } from '../../../../local/states/asl/errors.ts'
import { BUILD, CALLBACK, execute, invoke, type Outcome } from './execute.ts'

/** Events as `id type (id of the one before)`. */
const lines = ({ events }: Outcome): string[] =>
  events.map(({ id, type, previousEventId }) => `${id} ${type} (${previousEventId})`)
const inner = (name: string, state: object): object => ({ StartAt: name, States: { [name]: state } })

describe('the history of an execution', () => {
  test('of one state, as recorded at AWS', async () => {
    const outcome = await execute(
      { State_1: { Type: 'Pass', Output: { a: 1 }, Assign: { x: 'v', n: 1 }, End: true } },
      { input: { i: 1 } },
    )
    expect(outcome.events).toEqual([
      {
        id: 1,
        previousEventId: 0,
        timestamp: 1767225600,
        type: 'ExecutionStarted',
        executionStartedEventDetails: {
          input: '{"i":1}',
          inputDetails: { truncated: false },
          roleArn: 'arn:aws:iam::123456789012:role/test',
        },
      },
      {
        id: 2,
        previousEventId: 0,
        timestamp: 1767225600,
        type: 'PassStateEntered',
        stateEnteredEventDetails: { name: 'State_1', input: '{"i":1}', inputDetails: { truncated: false } },
      },
      {
        id: 3,
        previousEventId: 2,
        timestamp: 1767225600,
        type: 'PassStateExited',
        stateExitedEventDetails: {
          name: 'State_1',
          output: '{"a":1}',
          outputDetails: { truncated: false },
          assignedVariables: { x: '"v"', n: '1' },
          assignedVariablesDetails: { truncated: false },
        },
      },
      {
        id: 4,
        previousEventId: 3,
        timestamp: 1767225600,
        type: 'ExecutionSucceeded',
        executionSucceededEventDetails: { output: '{"a":1}', outputDetails: { truncated: false } },
      },
    ])
  })

  test('of a function', async () => {
    const outcome = await execute({ Call: invoke('f', { TimeoutSeconds: 9, End: true }) })
    expect(lines(outcome)).toEqual([
      '1 ExecutionStarted (0)',
      '2 TaskStateEntered (0)',
      '3 TaskScheduled (2)',
      '4 TaskStarted (3)',
      '5 TaskSucceeded (4)',
      '6 TaskStateExited (5)',
      '7 ExecutionSucceeded (6)',
    ])
    expect(outcome.events[2]?.taskScheduledEventDetails).toEqual({
      resourceType: 'lambda',
      resource: 'invoke',
      region: 'us-east-1',
      parameters: '{"FunctionName":"f","Payload":{}}',
      timeoutInSeconds: 9,
    })
    expect(outcome.events[4]?.taskSucceededEventDetails).toEqual({
      resourceType: 'lambda',
      resource: 'invoke',
      output: '{"Payload":{},"StatusCode":200}',
      outputDetails: { truncated: false },
    })
  })

  test('of a build, which is submitted first', async () => {
    const state = { Type: 'Task', Resource: BUILD, Arguments: { ProjectName: 'p' }, End: true }
    const { events } = await execute({ Build: state })
    expect(events.map(({ type }) => type).slice(2, 6)).toEqual([
      'TaskScheduled',
      'TaskStarted',
      'TaskSubmitted',
      'TaskSucceeded',
    ])
    expect(events[4]?.taskSubmittedEventDetails).toMatchObject({
      resourceType: 'codebuild',
      resource: 'startBuild.sync',
      output: '{"Build":{"Id":"b:1"}}',
    })
  })

  test('of a callback that nobody answers: reported as States.Timeout, as recorded at AWS', async () => {
    const state = {
      Type: 'Task',
      Resource: CALLBACK,
      Arguments: { FunctionName: 'f' },
      TimeoutSeconds: 600,
      HeartbeatSeconds: 5,
      End: true,
    }
    const { events } = await execute({ Ask: state })
    expect(events.map(({ type }) => type).slice(2)).toEqual([
      'TaskScheduled',
      'TaskStarted',
      'TaskSubmitted',
      'TaskTimedOut',
      'ExecutionFailed',
    ])
    expect(events[5]?.taskTimedOutEventDetails).toEqual({
      resourceType: 'lambda',
      resource: 'invoke.waitForTaskToken',
      error: 'States.Timeout',
    })
    expect(events[6]?.executionFailedEventDetails).toEqual({ error: 'States.Timeout' })
  })

  test('of a retried failure', async () => {
    const failures = [new StateError('Broken', 'why')]
    const functions = (): string => {
      const failure = failures.pop()
      if (failure) throw failure
      return 'done'
    }
    const outcome = await execute(
      { Call: invoke('f', { Retry: [{ ErrorEquals: ['Broken'] }], End: true }) },
      { functions },
    )
    expect(lines(outcome).slice(2, 8)).toEqual([
      '3 TaskScheduled (2)',
      '4 TaskStarted (3)',
      '5 TaskFailed (4)',
      '6 TaskScheduled (5)',
      '7 TaskStarted (6)',
      '8 TaskSucceeded (7)',
    ])
    expect(outcome.events[4]?.taskFailedEventDetails).toEqual({
      resourceType: 'lambda',
      resource: 'invoke',
      error: 'Broken',
      cause: 'why',
    })
  })

  test('of an expression that fails', async () => {
    const { events } = await execute({
      A: { Type: 'Pass', Output: { x: '{% $states.input.missing %}' }, End: true },
    })
    expect(events[2]).toMatchObject({
      type: 'EvaluationFailed',
      evaluationFailedEventDetails: {
        state: 'A',
        location: 'Output',
        error: 'States.QueryEvaluationError',
        cause: expect.stringContaining('Output.x') as string,
      },
    })
  })

  test('of a Map, whose iterations are threads of their own', async () => {
    const outcome = await execute(
      {
        Map: {
          Type: 'Map',
          MaxConcurrency: 1,
          ItemProcessor: inner('Each', { Type: 'Pass', End: true }),
          End: true,
        },
      },
      { input: [1, 2] },
    )
    expect(lines(outcome)).toEqual([
      '1 ExecutionStarted (0)',
      '2 MapStateEntered (0)',
      '3 MapStateStarted (2)',
      '4 MapIterationStarted (3)',
      '5 PassStateEntered (4)',
      '6 PassStateExited (5)',
      '7 MapIterationSucceeded (6)',
      '8 MapIterationStarted (7)',
      '9 PassStateEntered (8)',
      '10 PassStateExited (9)',
      '11 MapIterationSucceeded (10)',
      '12 MapStateSucceeded (11)',
      '13 MapStateExited (12)',
      '14 ExecutionSucceeded (13)',
    ])
    expect(outcome.events[2]?.mapStateStartedEventDetails).toEqual({ length: 2 })
    expect(outcome.events[7]?.mapIterationStartedEventDetails).toEqual({ name: 'Map', index: 1 })
  })

  test('of a Parallel, whose branches are threads of their own', async () => {
    const state = {
      Type: 'Parallel',
      Branches: [
        inner('A', { Type: 'Pass', End: true }),
        inner('B', { Type: 'Wait', Seconds: 1, End: true }),
      ],
      End: true,
    }
    expect(lines(await execute({ Both: state }))).toEqual([
      '1 ExecutionStarted (0)',
      '2 ParallelStateEntered (0)',
      '3 ParallelStateStarted (2)',
      '4 PassStateEntered (3)',
      '5 WaitStateEntered (3)',
      '6 PassStateExited (4)',
      '7 WaitStateExited (5)',
      '8 ParallelStateSucceeded (7)',
      '9 ParallelStateExited (8)',
      '10 ExecutionSucceeded (9)',
    ])
  })

  test('of a Fail, which has no exit', async () => {
    expect(lines(await execute({ A: { Type: 'Fail', Error: 'E' } }))).toEqual([
      '1 ExecutionStarted (0)',
      '2 FailStateEntered (0)',
      '3 ExecutionFailed (2)',
    ])
  })

  test('of an execution that is stopped: nothing comes after its abortion', async () => {
    const outcome = await execute(
      { A: { Type: 'Wait', Seconds: 60, Next: 'B' }, B: { Type: 'Pass', End: true } },
      {
        act: ({ executions, clock, arn }) =>
          void clock
            .sleep(5000, new AbortController().signal)
            .then(() => executions.stop(arn, 'Mine', 'why')),
      },
    )
    expect(outcome).toMatchObject({ status: 'ABORTED', error: 'Mine', cause: 'why', seconds: 5 })
    expect(lines(outcome)).toEqual([
      '1 ExecutionStarted (0)',
      '2 WaitStateEntered (0)',
      '3 ExecutionAborted (0)',
    ])
  })

  test('of an execution that takes longer than the state machine allows', async () => {
    const outcome = await execute(
      { A: { Type: 'Wait', Seconds: 60, End: true } },
      { top: { TimeoutSeconds: 7 } },
    )
    expect(outcome).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout', seconds: 7 })
    expect(outcome.events.at(-1)).toMatchObject({
      type: 'ExecutionTimedOut',
      executionTimedOutEventDetails: { error: 'States.Timeout' },
    })
  })

  // 12,500 states, each with its checkpoint on disk
  test('ends with the 25,000th event', { timeout: 120_000 }, async () => {
    const loop = {
      A: { Type: 'Pass', Next: 'B' },
      B: { Type: 'Choice', Choices: [{ Condition: true, Next: 'A' }], Default: 'C' },
      C: { Type: 'Succeed' },
    }
    const outcome = await execute(loop)
    expect(outcome).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: expect.stringContaining('25000') as string,
    })
    expect(outcome.events.at(-1)).toMatchObject({ id: 25_000, type: 'ExecutionFailed' })
  })
})
