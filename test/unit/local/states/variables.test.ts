import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../local/states/asl/json.ts'
import { execute, failing, invoke } from './execute.ts'

const end = (Output: unknown): object => ({ Type: 'Pass', Output, End: true })
const inner = (states: Record<string, object>): object => ({
  StartAt: Object.keys(states)[0],
  States: states,
})

const assign = (characters: number): Record<string, object> => ({
  A: { Type: 'Pass', Assign: { x: `{% $pad('', ${characters}, '#') %}` }, Output: 1, End: true },
})

describe('what a variable is where', () => {
  test.each<[string, Record<string, object>, Json]>([
    ['in the next state', { A: { Type: 'Pass', Assign: { x: 1 }, Next: 'B' }, B: end('{% $x %}') }, 1],
    [
      'in every later state, until it is assigned again',
      {
        A: { Type: 'Pass', Assign: { x: 1, y: 1 }, Next: 'B' },
        B: { Type: 'Pass', Assign: { x: 2 }, Next: 'C' },
        C: end('{% [$x, $y] %}'),
      },
      [2, 1],
    ],
    [
      'not yet in the Output beside its Assign',
      {
        A: { Type: 'Pass', Assign: { x: 1 }, Next: 'B' },
        B: { Type: 'Pass', Assign: { x: 2 }, Output: '{% $x %}', End: true },
      },
      1,
    ],
    [
      'as it was before in all of one Assign',
      {
        A: { Type: 'Pass', Assign: { x: 1, y: 10 }, Next: 'B' },
        B: { Type: 'Pass', Assign: { x: '{% $y %}', y: '{% $x %}' }, Next: 'C' },
        C: end('{% [$x, $y] %}'),
      },
      [10, 1],
    ],
    [
      'from the result of a Task',
      { A: invoke('f', { Assign: { x: '{% $states.result.StatusCode %}' }, Next: 'B' }), B: end('{% $x %}') },
      200,
    ],
    [
      'from the rule that a Choice goes by',
      {
        A: {
          Type: 'Choice',
          Choices: [{ Condition: true, Assign: { x: 'rule' }, Next: 'B' }],
          Assign: { x: 'default' },
        },
        B: end('{% $x %}'),
      },
      'rule',
    ],
    [
      "from a Choice's own Assign when it goes by Default",
      {
        A: {
          Type: 'Choice',
          Choices: [{ Condition: false, Assign: { x: 'rule' }, Next: 'B' }],
          Assign: { x: 'default' },
          Default: 'B',
        },
        B: end('{% $x %}'),
      },
      'default',
    ],
    ['from a Wait', { A: { Type: 'Wait', Seconds: 1, Assign: { x: 1 }, Next: 'B' }, B: end('{% $x %}') }, 1],
    [
      'inside a Parallel, as it is outside',
      {
        A: { Type: 'Pass', Assign: { x: 1 }, Next: 'B' },
        B: { Type: 'Parallel', Branches: [inner({ C: end('{% $x %}') })], End: true },
      },
      [1],
    ],
    [
      "each branch's own, also under one name",
      {
        A: {
          Type: 'Parallel',
          Branches: [
            inner({ B: { Type: 'Pass', Assign: { y: 1 }, Next: 'C' }, C: end('{% $y %}') }),
            inner({ D: { Type: 'Pass', Assign: { y: 2 }, Next: 'E' }, E: end('{% $y %}') }),
          ],
          End: true,
        },
      },
      [1, 2],
    ],
    [
      "each iteration's own",
      {
        A: {
          Type: 'Map',
          Items: [1, 2, 3],
          ItemProcessor: inner({
            B: { Type: 'Pass', Assign: { y: '{% $states.input %}' }, Next: 'C' },
            C: { Type: 'Wait', Seconds: 1, Next: 'D' },
            D: end('{% $y %}'),
          }),
          End: true,
        },
      },
      [1, 2, 3],
    ],
    [
      "outside again, what the Map's own Assign takes from its result",
      {
        A: {
          Type: 'Map',
          Items: [1, 2],
          ItemProcessor: inner({ B: { Type: 'Pass', End: true } }),
          Assign: { total: '{% $sum($states.result) %}' },
          Next: 'C',
        },
        C: end('{% $total %}'),
      },
      3,
    ],
    [
      'of any kind of JSON',
      { A: { Type: 'Pass', Assign: { x: { n: null, l: [[]] } }, Next: 'B' }, B: end('{% $x %}') },
      { n: null, l: [[]] },
    ],
  ])('%s', async (_, states, expected) => {
    expect(await execute(states)).toMatchObject({ status: 'SUCCEEDED', output: expected })
  })

  test('from the catcher that caught, and not from the state', async () => {
    const states = {
      A: invoke('f', {
        Assign: { x: 'state' },
        Catch: [{ ErrorEquals: ['Broken'], Assign: { x: '{% $states.errorOutput.Error %}' }, Next: 'B' }],
        Next: 'B',
      }),
      B: end('{% $x %}'),
    }
    expect((await execute(states, { functions: failing(1, 'Broken') })).output).toBe('Broken')
    expect((await execute(states)).output).toBe('state')
  })

  test('nothing, while no state that assigns it has run: an error when it is read', async () => {
    const states = {
      A: { Type: 'Choice', Choices: [{ Condition: '{% $states.input.go %}', Next: 'B' }], Default: 'C' },
      B: { Type: 'Pass', Assign: { x: 1 }, Next: 'C' },
      C: end('{% $x %}'),
    }
    expect((await execute(states, { input: { go: true } })).output).toBe(1)
    expect(await execute(states, { input: { go: false } })).toMatchObject({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
    })
  })

  test('at most 256 KiB in one Assign', async () => {
    expect(await execute(assign(262_144 - '{"x":""}'.length))).toMatchObject({ output: 1 })
    expect(await execute(assign(262_144))).toMatchObject({
      status: 'FAILED',
      error: 'States.DataLimitExceeded',
    })
  })
})
