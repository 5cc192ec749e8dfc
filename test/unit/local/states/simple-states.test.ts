import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../local/states/asl/json.ts'
import { execute } from './execute.ts'

type Row = [name: string, state: object, input: Json, expected: Json]

async function outputOf(state: object, input: Json): Promise<Json> {
  const { status, output, error, cause } = await execute({ Only: state }, { input })
  return status === 'SUCCEEDED' ? (output ?? null) : { error: error ?? null, cause: cause ?? null }
}

describe('Pass', () => {
  test.each<Row>([
    ['hands its input on', { Type: 'Pass', End: true }, { a: 1 }, { a: 1 }],
    [
      'has the value of Output',
      { Type: 'Pass', Output: { b: '{% $states.input.a + 1 %}' }, End: true },
      { a: 1 },
      { b: 2 },
    ],
    [
      'may be as a whole an expression',
      { Type: 'Pass', Output: '{% $states.input.a %}', End: true },
      { a: [1] },
      [1],
    ],
    [
      'evaluates strings at any depth',
      { Type: 'Pass', Output: [{ x: ['{% 1 %}', 'one'] }], End: true },
      {},
      [{ x: [1, 'one'] }],
    ],
    [
      'leaves alone what merely contains the delimiters',
      {
        Type: 'Pass',
        Output: [' {% $states.input %} ', '$states.input', '$.a', "States.Format('{}', 1)"],
        End: true,
      },
      {},
      [' {% $states.input %} ', '$states.input', '$.a', "States.Format('{}', 1)"],
    ],
    [
      'keeps every kind of JSON value',
      { Type: 'Pass', Output: [null, 0, 0.1, true, [], {}], End: true },
      {},
      [null, 0, 0.1, true, [], {}],
    ],
    ['takes any JSON as input', { Type: 'Pass', End: true }, null, null],
  ])('%s', async (_, state, input, expected) => {
    expect(await outputOf(state, input)).toEqual(expected)
  })
})

describe('Succeed and Fail', () => {
  test.each<Row>([
    ['Succeed hands its input on', { Type: 'Succeed' }, { a: 1 }, { a: 1 }],
    ['Succeed has the value of Output', { Type: 'Succeed', Output: '{% $states.input.a %}' }, { a: 1 }, 1],
    [
      'Fail has an error and a cause',
      { Type: 'Fail', Error: 'Broken', Cause: 'why' },
      {},
      { error: 'Broken', cause: 'why' },
    ],
    ['Fail may say nothing', { Type: 'Fail' }, {}, { error: '', cause: null }],
    [
      'Fail evaluates both',
      { Type: 'Fail', Error: '{% $states.input.e %}', Cause: "{% 'at ' & $states.context.State.Name %}" },
      { e: 'Broken' },
      { error: 'Broken', cause: 'at Only' },
    ],
    [
      'an Error must be a string',
      { Type: 'Fail', Error: '{% 1 %}' },
      {},
      {
        error: 'States.QueryEvaluationError',
        cause: "The field 'Error' has an unexpected value: expected a string, but was number 1.",
      },
    ],
  ])('%s', async (_, state, input, expected) => {
    expect(await outputOf(state, input)).toEqual(expected)
  })

  test('Succeed ends its block, also in the middle', async () => {
    const { output } = await execute({ A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Succeed', Output: 1 } })
    expect(output).toBe(1)
  })
})

const wait = (how: object): object => ({ Type: 'Wait', ...how, End: true })

describe('Wait', () => {
  test.each<[string, object, Json, number]>([
    ['Seconds', wait({ Seconds: 90 }), {}, 90],
    ['Seconds by an expression', wait({ Seconds: '{% $states.input.s * 2 %}' }), { s: 30 }, 60],
    ['no time at all', wait({ Seconds: 0 }), {}, 0],
    ['until a Timestamp', wait({ Timestamp: '2026-01-01T01:00:00Z' }), {}, 3600],
    ['until a Timestamp with an offset', wait({ Timestamp: '2026-01-01T01:00:00+00:30' }), {}, 1800],
    [
      'until a Timestamp by an expression',
      wait({ Timestamp: '{% $states.input.t %}' }),
      { t: '2026-01-01T00:00:05Z' },
      5,
    ],
    ['not for a Timestamp that has passed', wait({ Timestamp: '2025-01-01T00:00:00Z' }), {}, 0],
  ])('%s', async (_, state, input, seconds) => {
    const outcome = await execute({ Only: state }, { input })
    expect([outcome.status, outcome.seconds, outcome.output]).toEqual(['SUCCEEDED', seconds, input])
  })

  test.each<[string, object]>([
    ['negative seconds', wait({ Seconds: '{% -1 %}' })],
    ['half a second', wait({ Seconds: '{% 0.5 %}' })],
    ['text for seconds', wait({ Seconds: "{% '5' %}" })],
    ['a timestamp in small letters', wait({ Timestamp: "{% '2026-01-01t00:00:05z' %}" })],
    ['a date without a time', wait({ Timestamp: "{% '2026-01-01' %}" })],
  ])('refuses %s', async (_, state) => {
    expect(await execute({ Only: state })).toMatchObject({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
    })
  })
})

const arrived = (name: string): object => ({
  Type: 'Pass',
  Output: { at: name, input: '{% $states.input %}' },
  End: true,
})

const choice = (rest: object): Record<string, object> => ({
  Choose: { Type: 'Choice', ...rest },
  A: arrived('A'),
  B: arrived('B'),
})

describe('Choice', () => {
  const rules = [
    { Condition: "{% $states.input.type != 'Private' %}", Next: 'A' },
    { Condition: '{% $states.input.value >= 20 and $states.input.value < 30 %}', Next: 'B' },
  ]
  test.each<[string, object, Json, Json]>([
    [
      'the first rule that holds',
      { Choices: rules },
      { type: 'Public', value: 22 },
      { at: 'A', input: { type: 'Public', value: 22 } },
    ],
    [
      'a later rule',
      { Choices: rules },
      { type: 'Private', value: 22 },
      { at: 'B', input: { type: 'Private', value: 22 } },
    ],
    [
      'Default',
      { Choices: [rules[0]], Default: 'B' },
      { type: 'Private' },
      { at: 'B', input: { type: 'Private' } },
    ],
    [
      'a literal condition',
      { Choices: [{ Condition: true, Next: 'A' }], Default: 'B' },
      {},
      { at: 'A', input: {} },
    ],
    [
      "a rule's own Output",
      { Choices: [{ Condition: true, Next: 'A', Output: 1 }], Output: 2, Default: 'B' },
      {},
      { at: 'A', input: 1 },
    ],
    [
      "the state's Output for Default",
      { Choices: [{ Condition: false, Next: 'A', Output: 1 }], Output: 2, Default: 'B' },
      {},
      { at: 'B', input: 2 },
    ],
    [
      'no Output of the state for a rule',
      { Choices: [{ Condition: true, Next: 'A' }], Output: 2, Default: 'B' },
      7,
      { at: 'A', input: 7 },
    ],
  ])('goes by %s', async (_, rest, input, expected) => {
    expect((await execute(choice(rest), { input })).output).toEqual(expected)
  })

  test('fails when nothing holds and there is no Default', async () => {
    const outcome = await execute(choice({ Choices: rules }), { input: { type: 'Private', value: 61 } })
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.NoChoiceMatched' })
  })

  test.each(["{% 'true' %}", '{% 1 %}', '{% [true] %}', '{% $states.input.missing %}'])(
    'refuses the condition %s',
    async (Condition) => {
      const outcome = await execute(choice({ Choices: [{ Condition, Next: 'A' }], Default: 'B' }))
      expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' })
    },
  )
})
