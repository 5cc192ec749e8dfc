import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../local/states/asl/json.ts'
import { StateError } from '../../../../local/states/asl/errors.ts'
import { BUILD, CALLBACK, execute, INVOKE, invoke, type Acting, type Functions } from './execute.ts'

const ACTIVITY = 'arn:aws:states:us-east-1:123456789012:activity:mac'
const forever: Functions = (_, __, clock, signal) => clock.sleep(1e9, signal).then(() => null)

describe('a Task that calls a function', () => {
  test.each<[string, object, Json, Json]>([
    [
      'gives the whole result',
      {
        Type: 'Task',
        Resource: INVOKE,
        Arguments: { FunctionName: 'f', Payload: { x: '{% $states.input.a %}' } },
        End: true,
      },
      { a: 1 },
      { Payload: { x: 1 }, StatusCode: 200 },
    ],
    [
      'gives its Output',
      invoke('f', { Output: '{% $states.result.Payload.a + $states.input.a %}', End: true }),
      { a: 1 },
      2,
    ],
    [
      'takes its Arguments from one expression',
      {
        Type: 'Task',
        Resource: INVOKE,
        Arguments: "{% {'FunctionName': 'f', 'Payload': $states.input.a} %}",
        Output: '{% $states.result.Payload %}',
        End: true,
      },
      { a: 7 },
      7,
    ],
    [
      'takes TimeoutSeconds from an expression',
      invoke('f', { TimeoutSeconds: '{% $states.input.a %}', End: true }),
      { a: 7 },
      { a: 7 },
    ],
    [
      'gives the Build of a build',
      {
        Type: 'Task',
        Resource: BUILD,
        Arguments: { ProjectName: 'p' },
        Output: '{% $states.result.Build %}',
        End: true,
      },
      {},
      {},
    ],
  ])('%s', async (_, state, input, expected) => {
    expect((await execute({ Call: state }, { input })).output).toEqual(expected)
  })

  test.each<[string, object, Functions, object]>([
    [
      'its error',
      {},
      () => Promise.reject(new StateError('Broken', 'why')),
      { error: 'Broken', cause: 'why', seconds: 0 },
    ],
    [
      'States.Timeout after TimeoutSeconds',
      { TimeoutSeconds: 5 },
      forever,
      { error: 'States.Timeout', seconds: 5 },
    ],
    [
      'States.Timeout when its function does not listen',
      { TimeoutSeconds: 5 },
      (_, __, clock) => clock.sleep(99_000, new AbortController().signal).then(() => 1),
      { error: 'States.Timeout' },
    ],
    [
      'States.QueryEvaluationError for a time-out that is none',
      { TimeoutSeconds: "{% 'x' %}" },
      forever,
      { error: 'States.QueryEvaluationError', seconds: 0 },
    ],
    [
      'States.QueryEvaluationError for Arguments without a value',
      { Arguments: '{% $states.input.missing %}' },
      forever,
      { error: 'States.QueryEvaluationError' },
    ],
    [
      'States.DataLimitExceeded for a result above 256 KiB',
      {},
      () => 'x'.repeat(262_144),
      { error: 'States.DataLimitExceeded' },
    ],
  ])('fails with %s', async (_, rest, functions, expected) => {
    expect(await execute({ Call: invoke('f', { End: true, ...rest }) }, { functions })).toMatchObject({
      status: 'FAILED',
      ...expected,
    })
  })
})

const state = (rest: object = {}): Record<string, object> => ({
  Ask: {
    Type: 'Task',
    Resource: CALLBACK,
    Arguments: { FunctionName: 'f', Payload: '{% $states.context.Task.Token %}' },
    End: true,
    ...rest,
  },
})

/** A function that hands its token to somebody who acts later. */
const later = (
  act: (token: string, world: Acting, sleep: (seconds: number) => Promise<void>) => Promise<unknown>,
): Parameters<typeof execute>[1] => {
  let world: Acting | undefined
  return {
    act: (given) => (world = given),
    functions: (_, payload, clock) => {
      const sleep = (seconds: number): Promise<void> =>
        clock.sleep(seconds * 1000, new AbortController().signal)
      if (world) void act(payload as string, world, sleep)
      return 'accepted'
    },
  }
}

describe('a Task that waits for its token', () => {
  test.each<[string, object, ReturnType<typeof later>, object]>([
    [
      'has the output of SendTaskSuccess',
      {},
      later(async (token, { tokens }, sleep) => (await sleep(60), tokens.succeed(token, { ok: true }))),
      { output: { ok: true }, seconds: 60 },
    ],
    [
      'fails as SendTaskFailure says',
      {},
      later(async (token, { tokens }) => tokens.fail(token, 'Refused', 'why')),
      { error: 'Refused', cause: 'why' },
    ],
    [
      'times out',
      { TimeoutSeconds: 30 },
      later(async () => undefined),
      { error: 'States.Timeout', seconds: 30 },
    ],
    [
      'times out without a heartbeat',
      { HeartbeatSeconds: 10, TimeoutSeconds: 99 },
      later(async () => undefined),
      { error: 'States.Timeout', seconds: 10 },
    ],
    [
      'lives on with heartbeats, until one is missed',
      { HeartbeatSeconds: 10 },
      later(async (token, { tokens }, sleep) => {
        for (let beats = 0; beats < 3; beats++) {
          await sleep(8)
          tokens.heartbeat(token)
        }
      }),
      { error: 'States.Timeout', seconds: 34 },
    ],
  ])('%s', async (_, rest, options, expected) => {
    expect(await execute(state(rest), options)).toMatchObject(expected)
  })

  test('a missed heartbeat is caught by its own name', async () => {
    const Catch = [
      { ErrorEquals: ['States.HeartbeatTimeout'], Next: 'Silent' },
      { ErrorEquals: ['States.ALL'], Next: 'Slow' },
    ]
    const rest = { HeartbeatSeconds: 10, TimeoutSeconds: 99, Catch }
    const states = {
      ...state(rest),
      Silent: { Type: 'Pass', Output: 'silent', End: true },
      Slow: { Type: 'Pass', Output: 'slow', End: true },
    }
    expect(
      await execute(
        states,
        later(async () => undefined),
      ),
    ).toMatchObject({ output: 'silent', seconds: 10 })
  })

  test('a token is of no use when its task is over', async () => {
    const answers: boolean[] = []
    const options = later(async (token, { tokens }, sleep) => {
      answers.push(tokens.succeed(token, 1))
      await sleep(1)
      answers.push(tokens.succeed(token, 2), tokens.fail(token, 'x', undefined), tokens.heartbeat(token))
    })
    const states = {
      ...state({ Next: 'Rest', End: undefined }),
      Rest: { Type: 'Wait', Seconds: 5, End: true },
    }
    expect(await execute(states, options)).toMatchObject({ output: 1 })
    expect(answers).toEqual([true, false, false, false])
  })
})

const work = (rest: object = {}): Record<string, object> => ({
  Work: { Type: 'Task', Resource: ACTIVITY, End: true, ...rest },
})

describe('a Task for an activity', () => {
  const never = new AbortController().signal

  test("is queued with the state's input and done by a worker", async () => {
    const outcome = await execute(work(), {
      input: { batch: 1 },
      act: ({ activities, tokens }) =>
        void activities
          .poll(ACTIVITY, 'mac-1', never)
          .then((task) => task && tokens.succeed(task.taskToken, { got: JSON.parse(task.input) as Json })),
    })
    expect(outcome.output).toEqual({ got: { batch: 1 } })
    expect(outcome.events.map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'ActivityScheduled',
      'ActivityStarted',
      'ActivitySucceeded',
      'TaskStateExited',
      'ExecutionSucceeded',
    ])
    expect(outcome.events[3]?.activityStartedEventDetails).toEqual({ workerName: 'mac-1' })
  })

  test('its time-out begins when a worker takes it', async () => {
    const outcome = await execute(work({ TimeoutSeconds: 10 }), {
      act: ({ activities, clock }) =>
        void clock.sleep(1_000_000, never).then(() => activities.poll(ACTIVITY, 'mac-1', never)),
    })
    expect(outcome).toMatchObject({ error: 'States.Timeout', seconds: 1010 })
  })

  test('one that does not exist ends the execution', async () => {
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }]
    const states = { ...work({ Catch }), Caught: { Type: 'Succeed' } }
    const outcome = await execute(states, { act: ({ activities }) => activities.remove(ACTIVITY) })
    expect(outcome).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: expect.stringContaining(`${ACTIVITY} does not exist`) as string,
    })
  })

  test('two workers never get the same task, and one that left gets none', async () => {
    const got: [string, Json][] = []
    const map = { Map: { Type: 'Map', ItemProcessor: { StartAt: 'Work', States: work() }, End: true } }
    const outcome = await execute(map, {
      input: [1, 2, 3],
      act: ({ activities, tokens }) => {
        const gone = new AbortController()
        void activities.poll(ACTIVITY, 'gone', gone.signal)
        gone.abort()
        for (const worker of ['a', 'b', 'c'])
          void activities.poll(ACTIVITY, worker, never).then((task) => {
            if (!task) return undefined
            got.push([worker, JSON.parse(task.input) as Json])
            return tokens.succeed(task.taskToken, worker)
          })
      },
    })
    expect(outcome.output).toEqual(['a', 'b', 'c'])
    expect(got).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ])
  })
})
