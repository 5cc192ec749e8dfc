import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../local/states/asl/json.ts'
import { StateError } from '../../../../local/states/asl/errors.ts'
import { execute, failing, invoke, type Functions } from './execute.ts'

const pass = (Output: unknown): object => ({ Type: 'Pass', Output, End: true })
const each = (state: object): object => ({ StartAt: 'Each', States: { Each: state } })
const map = (rest: object, state: object = pass('{% $states.input * 10 %}')): Record<string, object> => ({
  Map: { Type: 'Map', ItemProcessor: each(state), End: true, ...rest },
})

const odd: Functions = (_, payload) => {
  if (Number(payload) % 2 === 1) throw new StateError('Odd', JSON.stringify(payload))
  return payload
}

describe('Map', () => {
  test.each<[string, Record<string, object>, Json, Json]>([
    ['goes over its input', map({}), [1, 2, 3], [10, 20, 30]],
    ['goes over Items', map({ Items: '{% $states.input.list %}' }), { list: [1, 2] }, [10, 20]],
    ['goes over literal Items', map({ Items: [1, '{% $states.input %}'] }), 5, [10, 50]],
    ['does nothing for no items', map({}), [], []],
    ['keeps the order of the items', map({ MaxConcurrency: 2 }), [3, 1, 2], [30, 10, 20]],
    ['takes MaxConcurrency from an expression', map({ MaxConcurrency: '{% 1 + 1 %}' }), [1], [10]],
    [
      'hands each iteration its ItemSelector',
      map(
        {
          Items: '{% $states.input.list %}',
          ItemSelector: {
            i: '{% $states.context.Map.Item.Index %}',
            v: '{% $states.context.Map.Item.Value %}',
            all: '{% $states.input.k %}',
          },
        },
        { Type: 'Pass', End: true },
      ),
      { list: ['a', 'b'], k: 7 },
      [
        { i: 0, v: 'a', all: 7 },
        { i: 1, v: 'b', all: 7 },
      ],
    ],
    [
      'knows its item inside an iteration too',
      map({}, pass('{% $states.context.Map.Item.Index %}')),
      ['a', 'b'],
      [0, 1],
    ],
    [
      'shows its result to Output',
      map({ Output: '{% $sum($states.result) + $count($states.input) %}' }),
      [1, 2],
      32,
    ],
  ])('%s', async (_, states, input, expected) => {
    expect((await execute(states, { input })).output).toEqual(expected)
  })

  test.each<[string, Json]>([
    ['an object', { a: 1 }],
    ['one thing that an expression found instead of a list', { list: [{ n: 1, x: 1 }] }],
    ['null', null],
  ])('refuses items that are %s', async (_, input) => {
    const states = map({ Items: '{% $states.input.list[n=1] ~> $append(()) %}' })
    const outcome = await execute(input !== null && 'list' in (input as object) ? states : map({}), { input })
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' })
  })

  test.each([
    [0, 40],
    [1, 1],
    [3, 3],
    [100, 40],
  ])('runs with MaxConcurrency %i at most %i at once', async (MaxConcurrency, most) => {
    let running = 0
    let seen = 0
    const functions: Functions = async (_, payload, clock, signal) => {
      seen = Math.max(seen, ++running)
      await clock.sleep(1000, signal)
      running -= 1
      return payload
    }
    const { output } = await execute(
      map({ MaxConcurrency, Output: '{% $count($states.result) %}' }, invoke('f')),
      {
        input: Array.from({ length: 100 }, (_, i) => i),
        functions,
      },
    )
    expect([output, seen]).toEqual([100, most])
  })

  test.each<[string, object, object]>([
    ['nothing', {}, { status: 'FAILED', error: 'Odd' }],
    ['two failures of two', { ToleratedFailureCount: 2 }, { output: [0, null, 2, null] }],
    ['one failure of two', { ToleratedFailureCount: 1 }, { error: 'States.ExceedToleratedFailureThreshold' }],
    ['half of them', { ToleratedFailurePercentage: 50 }, { output: [0, null, 2, null] }],
    [
      'a quarter of them',
      { ToleratedFailurePercentage: 25 },
      { error: 'States.ExceedToleratedFailureThreshold' },
    ],
    [
      'the lesser of both',
      { ToleratedFailurePercentage: 50, ToleratedFailureCount: 1 },
      { error: 'States.ExceedToleratedFailureThreshold' },
    ],
  ])('tolerates %s', async (_, rest, expected) => {
    expect(await execute(map(rest, invoke('f')), { input: [0, 1, 2, 3], functions: odd })).toMatchObject(
      expected,
    )
  })

  test('a failure ends the other iterations at once, and none begins any more', async () => {
    const begun: Json[] = []
    const functions: Functions = async (_, payload, clock, signal) => {
      begun.push(payload)
      await clock.sleep(payload === 1 ? 5_000 : 3_600_000, signal)
      throw new StateError('Broken')
    }
    const outcome = await execute(map({ MaxConcurrency: 2 }, invoke('f')), { input: [0, 1, 2, 3], functions })
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'Broken', seconds: 5 })
    expect(begun).toEqual([0, 1])
    const types = outcome.events.map(({ type }) => type)
    expect(types).toEqual(
      expect.arrayContaining([
        'TaskStateAborted',
        'MapIterationAborted',
        'MapIterationFailed',
        'MapStateFailed',
      ]),
    )
  })

  test('is retried and caught as a whole', async () => {
    const states = {
      ...map(
        {
          Retry: [{ ErrorEquals: ['Broken'], MaxAttempts: 1 }],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }],
        },
        invoke('f'),
      ),
      Caught: { Type: 'Pass', Output: '{% $states.input.Error %}', End: true },
    }
    expect(await execute(states, { input: [1], functions: failing(1, 'Broken') })).toMatchObject({
      output: ['done'],
      seconds: 1,
    })
    expect(await execute(states, { input: [1], functions: failing(2, 'Broken') })).toMatchObject({
      output: 'Broken',
      seconds: 1,
    })
  })
})

const parallel = (branches: object[], rest: object = {}): Record<string, object> => ({
  Both: { Type: 'Parallel', Branches: branches, End: true, ...rest },
})

const branch = (name: string, state: object): object => ({ StartAt: name, States: { [name]: state } })

const wait = (Seconds: number): object => ({ Type: 'Wait', Seconds, End: true })

// a function that does not listen to its signal is given up all the same
const deaf: Functions = (_, __, clock) =>
  clock.sleep(86_400_000, new AbortController().signal).then(() => null)

describe('Parallel', () => {
  test.each<[string, Record<string, object>, Json, Json]>([
    [
      'gives the list of its branches outputs',
      parallel([branch('A', pass('a')), branch('B', pass('b'))]),
      {},
      ['a', 'b'],
    ],
    [
      'hands every branch its input',
      parallel([branch('A', { Type: 'Pass', End: true }), branch('B', { Type: 'Succeed' })]),
      7,
      [7, 7],
    ],
    [
      'hands every branch its Arguments',
      parallel([branch('A', { Type: 'Pass', End: true })], { Arguments: { x: '{% $states.input + 1 %}' } }),
      7,
      [{ x: 8 }],
    ],
    [
      'shows its result to Output',
      parallel([branch('A', pass(1)), branch('B', pass(2))], { Output: '{% $sum($states.result) %}' }),
      {},
      3,
    ],
  ])('%s', async (_, states, input, expected) => {
    expect((await execute(states, { input })).output).toEqual(expected)
  })

  test('takes as long as its longest branch', async () => {
    expect((await execute(parallel([branch('A', wait(5)), branch('B', wait(7))]))).seconds).toBe(7)
  })

  test('a branch that fails ends the others at once, whatever they wait for', async () => {
    const states = parallel(
      [
        branch('Waits', { Type: 'Wait', Seconds: 3600, End: true }),
        branch('Calls', invoke('deaf')),
        branch('Nests', {
          Type: 'Parallel',
          Branches: [branch('Inner', { Type: 'Wait', Seconds: 3600, End: true })],
          End: true,
        }),
        {
          StartAt: 'Soon',
          States: {
            Soon: { Type: 'Wait', Seconds: 3, Next: 'Fails' },
            Fails: { Type: 'Fail', Error: 'Broken' },
          },
        },
      ],
      {
        Catch: [
          { ErrorEquals: ['States.ALL'], Next: 'Caught', Assign: { e: '{% $states.errorOutput.Error %}' } },
        ],
      },
    )
    const caught = { Type: 'Pass', Output: '{% $e %}', End: true }
    const outcome = await execute({ ...states, Caught: caught }, { functions: deaf })
    expect(outcome).toMatchObject({ status: 'SUCCEEDED', output: 'Broken' })
    const exit = outcome.events.findIndex(({ type }) => type === 'ParallelStateExited')
    const before = outcome.events.slice(0, exit).map(({ type }) => type)
    expect(before.slice(before.indexOf('FailStateEntered')).toSorted()).toEqual([
      'FailStateEntered',
      'ParallelStateAborted',
      'ParallelStateFailed',
      'TaskStateAborted',
      'WaitStateAborted',
      'WaitStateAborted',
    ])
    expect((outcome.events[exit]?.timestamp ?? 0) - (outcome.events[0]?.timestamp ?? 0)).toBe(3)
  })
})
