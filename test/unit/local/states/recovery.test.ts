import { describe, expect, test } from 'vitest'
import type { Retrier } from '../../../../local/states/asl/definition.ts'
import { StateError } from '../../../../local/states/asl/errors.ts'
import { delayOf, matches } from '../../../../local/states/asl/recovery.ts'
import { execute, failing, invoke, type Functions } from './execute.ts'

describe('which errors a name is meant for', () => {
  const timeout = new StateError('States.Timeout')
  const heartbeat = new StateError('States.Timeout', undefined, { missedHeartbeat: true })
  test.each<[string, StateError, boolean]>([
    ['Custom', new StateError('Custom'), true],
    ['Custom', new StateError('Customs'), false],
    ['States.ALL', new StateError('Custom'), true],
    ['States.ALL', timeout, true],
    ['States.ALL', new StateError('States.QueryEvaluationError'), true],
    ['States.ALL', new StateError('States.DataLimitExceeded'), false],
    ['States.ALL', new StateError('States.Runtime'), false],
    ['States.DataLimitExceeded', new StateError('States.DataLimitExceeded'), true],
    ['States.TaskFailed', new StateError('Custom'), true],
    ['States.TaskFailed', timeout, false],
    ['States.TaskFailed', heartbeat, false],
    ['States.TaskFailed', new StateError('States.DataLimitExceeded'), false],
    ['States.Timeout', timeout, true],
    ['States.Timeout', heartbeat, true],
    ['States.HeartbeatTimeout', heartbeat, true],
    ['States.HeartbeatTimeout', timeout, false],
  ])('%s and %s: %s', (name, error, expected) => {
    expect(matches([name], error)).toBe(expected)
  })
})

const half = (): number => 0.5

describe('seconds before the nth retry', () => {
  test.each<[string, Partial<Retrier>, number[]]>([
    ['by default', {}, [1, 2, 4, 8]],
    ['from IntervalSeconds on', { IntervalSeconds: 3, BackoffRate: 2 }, [3, 6, 12, 24]],
    ['always the same with a BackoffRate of 1', { IntervalSeconds: 5, BackoffRate: 1 }, [5, 5, 5, 5]],
    ['with a broken BackoffRate', { IntervalSeconds: 2, BackoffRate: 1.5 }, [2, 3, 4.5, 6.75]],
    ['at most MaxDelaySeconds', { IntervalSeconds: 3, BackoffRate: 2, MaxDelaySeconds: 10 }, [3, 6, 10, 10]],
    ['a random part with FULL jitter', { IntervalSeconds: 4, JitterStrategy: 'FULL' }, [2, 4, 8, 16]],
    [
      'a random part of MaxDelaySeconds',
      { IntervalSeconds: 4, MaxDelaySeconds: 6, JitterStrategy: 'FULL' },
      [2, 3, 3, 3],
    ],
    ['no random part with NONE', { IntervalSeconds: 4, JitterStrategy: 'NONE' }, [4, 8, 16, 32]],
  ])('%s', (_, retrier, expected) => {
    expect(
      [1, 2, 3, 4].map((nth) => delayOf({ ErrorEquals: ['States.ALL'], ...retrier }, nth, half)),
    ).toEqual(expected)
  })
})

const task = (rest: object): Record<string, object> => ({
  Call: invoke('f', { End: true, ...rest }),
  ...('Catch' in rest
    ? { Caught: { Type: 'Pass', Output: { caught: '{% $states.input %}' }, End: true } }
    : {}),
})
const catchAll = { ErrorEquals: ['States.ALL'], Next: 'Caught' }

describe('Retry', () => {
  test.each<[string, object, number, object]>([
    [
      'nothing without it',
      { Catch: [catchAll] },
      1,
      { output: { caught: { Error: 'Broken', Cause: 'because' } }, seconds: 0 },
    ],
    ['three times by default', { Retry: [{ ErrorEquals: ['Broken'] }] }, 3, { output: 'done', seconds: 7 }],
    [
      'not a fourth time',
      { Retry: [{ ErrorEquals: ['Broken'] }] },
      4,
      { status: 'FAILED', error: 'Broken', seconds: 7 },
    ],
    [
      'never with MaxAttempts 0',
      { Retry: [{ ErrorEquals: ['Broken'], MaxAttempts: 0 }] },
      1,
      { error: 'Broken', seconds: 0 },
    ],
    ['by States.ALL', { Retry: [{ ErrorEquals: ['States.ALL'] }] }, 1, { output: 'done', seconds: 1 }],
    [
      'by States.TaskFailed',
      { Retry: [{ ErrorEquals: ['States.TaskFailed'] }] },
      1,
      { output: 'done', seconds: 1 },
    ],
    [
      'not what it does not name',
      { Retry: [{ ErrorEquals: ['Other'] }] },
      1,
      { error: 'Broken', seconds: 0 },
    ],
    [
      'by the first retrier that names it',
      {
        Retry: [
          { ErrorEquals: ['Broken'], IntervalSeconds: 50, MaxAttempts: 1 },
          { ErrorEquals: ['States.ALL'] },
        ],
      },
      1,
      { output: 'done', seconds: 50 },
    ],
    [
      'no more when that one is used up, whatever comes after it',
      { Retry: [{ ErrorEquals: ['Broken'], MaxAttempts: 1 }, { ErrorEquals: ['States.ALL'] }] },
      2,
      { status: 'FAILED', error: 'Broken', seconds: 1 },
    ],
    [
      'before Catch',
      { Retry: [{ ErrorEquals: ['Broken'], MaxAttempts: 1 }], Catch: [catchAll] },
      2,
      { seconds: 1, output: { caught: { Error: 'Broken', Cause: 'because' } } },
    ],
  ])('repeats %s', async (_, rest, failures, expected) => {
    expect(await execute(task(rest), { functions: failing(failures, 'Broken') })).toMatchObject(expected)
  })

  test('every retrier counts its own attempts', async () => {
    const errors = ['A', 'B', 'A', 'B', 'C']
    const functions: Functions = () => {
      throw new StateError(errors.shift() ?? 'none')
    }
    const Retry = [
      { ErrorEquals: ['A'], IntervalSeconds: 1 },
      { ErrorEquals: ['B'], IntervalSeconds: 100 },
    ]
    expect(await execute(task({ Retry }), { functions })).toMatchObject({
      error: 'C',
      seconds: 1 + 100 + 2 + 200,
    })
  })

  test('the context object counts the retries', async () => {
    const seen: unknown[] = []
    const functions: Functions = (_, payload) => {
      seen.push(payload)
      if (seen.length < 3) throw new StateError('Broken')
      return payload
    }
    const Arguments = { FunctionName: 'f', Payload: '{% $states.context.State.RetryCount %}' }
    await execute(task({ Arguments, Retry: [{ ErrorEquals: ['Broken'] }] }), { functions })
    expect(seen).toEqual([0, 1, 2])
  })

  test('also when it is the Output that cannot be evaluated', async () => {
    const Output = "{% $states.context.State.RetryCount = 0 ? $error('no') : 'yes' %}"
    const outcome = await execute(task({ Output, Retry: [{ ErrorEquals: ['States.QueryEvaluationError'] }] }))
    expect(outcome).toMatchObject({ output: 'yes', seconds: 1 })
  })
})

const slow: Functions = (_, __, clock, signal) => clock.sleep(60_000, signal).then(() => null)

const big: Functions = () => 'x'.repeat(262_144)

const faulty: Functions = () => {
  throw new TypeError('a fault of the integration itself')
}

describe('Catch', () => {
  test.each<[string, object, object]>([
    [
      'hands on the error by default',
      { Catch: [catchAll] },
      { output: { caught: { Error: 'Broken', Cause: 'because' } } },
    ],
    [
      'hands on its own Output',
      { Catch: [{ ...catchAll, Output: '{% $states.errorOutput.Error & $string($states.input) %}' }] },
      { output: { caught: 'Broken{}' } },
    ],
    [
      "not the state's Output",
      { Output: 'no', Catch: [catchAll] },
      { output: { caught: { Error: 'Broken' } } },
    ],
    [
      'goes by the first that names the error',
      { Catch: [{ ...catchAll, ErrorEquals: ['Broken'], Output: 1 }, catchAll] },
      { output: { caught: 1 } },
    ],
    [
      'passes over one that does not',
      {
        Catch: [
          { ...catchAll, ErrorEquals: ['Other'], Output: 1 },
          { ...catchAll, Output: 2 },
        ],
      },
      { output: { caught: 2 } },
    ],
    [
      'lets through what none names',
      { Catch: [{ ...catchAll, ErrorEquals: ['Other'] }] },
      { status: 'FAILED', error: 'Broken', cause: 'because' },
    ],
  ])('%s', async (_, rest, expected) => {
    expect(await execute(task(rest), { functions: failing(1, 'Broken') })).toMatchObject(expected)
  })

  test('a time-out has no Cause to read', async () => {
    const states = task({ TimeoutSeconds: 5, Catch: [{ ...catchAll, Output: '{% $states.errorOutput %}' }] })
    expect(await execute(states, { functions: slow })).toMatchObject({
      output: { caught: { Error: 'States.Timeout' } },
      seconds: 5,
    })
  })

  test.each<[string, object, object]>([
    [
      'States.ALL does not catch States.DataLimitExceeded',
      { Catch: [catchAll] },
      { status: 'FAILED', error: 'States.DataLimitExceeded' },
    ],
    [
      'its own name does',
      { Catch: [{ ...catchAll, ErrorEquals: ['States.DataLimitExceeded'], Output: 1 }] },
      { output: { caught: 1 } },
    ],
  ])('%s', async (_, rest, expected) => {
    expect(await execute(task(rest), { functions: big })).toMatchObject(expected)
  })

  test('nothing catches States.Runtime', async () => {
    const states = task({ Retry: [{ ErrorEquals: ['States.ALL'] }], Catch: [catchAll] })
    expect(await execute(states, { functions: faulty })).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
    })
  })
})
